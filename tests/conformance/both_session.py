"""Sessions: 3.1.2.4, 3.2.2.2, 4.1, 4.4 and 4.5."""
import packets
from client import check
from packets import CONNACK, DISCONNECT, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from suite import both, clause


def absent_client(t, qos=1, **options):
    """The id of a client that is away and whose session subscribes to topic x."""
    client = t.keeper(**options)
    client.subscribe((t.topic("x"), qos))
    client.disconnect()
    return client.client_id


@clause("MQTT-3.1.2-4", version=4)
@clause("MQTT-3.1.2-5", version=5)
def session_is_resumed(t):
    """Subscriptions outlive the connection when the session is kept."""
    name = absent_client(t)
    again = t.keeper(name)
    check(again.connack.session_present, "no session present")
    t.client().publish(t.topic("x"), b"1", 1)
    again.message(t.topic("x"), b"1", qos=1)


@clause("MQTT-3.1.2-4", "MQTT-3.2.2-3", version=4)
@clause("MQTT-3.1.2-6", "MQTT-3.2.2-3", version=5)
def session_is_made(t):
    """Without a session to resume a new one is made, and CONNACK says so."""
    client = t.keeper()
    check(not client.connack.session_present, "session present for a new client")
    client.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", 1)
    client.message(t.topic("x"), b"1")


@clause("MQTT-3.1.2-5", "MQTT-4.5.0-1", version=4)
@clause("MQTT-3.1.2-23", "MQTT-4.5.0-1", version=5)
def messages_are_stored(t):
    """QoS 1 and 2 messages that match a subscription wait for the client that is away."""
    name = absent_client(t, 2)
    sender = t.client()
    for qos in (1, 2):
        sender.publish(t.topic("x"), bytes([qos]), qos)
    again = t.keeper(name)
    for qos in (1, 2):
        again.message(t.topic("x"), bytes([qos]), qos=qos)
    again.nothing()


@clause("MQTT-3.1.2-6", version=4)
@clause("MQTT-3.1.2-4", version=5)
def clean_session(t):
    """A clean start throws the old session away, with its subscriptions and its messages."""
    name = absent_client(t)
    sender = t.client()
    sender.publish(t.topic("x"), b"1", 1)
    cleaned = t.client(name, clean=True)
    check(not cleaned.connack.session_present, "session present")
    sender.publish(t.topic("x"), b"2", 1)
    cleaned.nothing()
    cleaned.subscribe((t.topic("y"), 1))
    cleaned.disconnect()
    again = t.keeper(name)
    check(not again.connack.session_present, "the clean session was kept")
    sender.publish(t.topic("y"), b"3", 1)
    again.nothing()


@clause("MQTT-3.1.2-7", version=4)
@clause("MQTT-3.3.1-5", version=5)
def retained_outlives_the_session(t):
    """Retained messages are not part of the session of their publisher."""
    sender = t.client()
    sender.publish(t.topic("x"), b"1", 1, retain=True)
    sender.disconnect()
    t.client(sender.client_id).disconnect()
    client = t.client()
    client.subscribe((t.topic("x"), 1))
    client.message(t.topic("x"), b"1", retain=True)
    client.publish(t.topic("x"), b"", 1, retain=True)


@clause("MQTT-3.2.2-1", version=4)
@clause("MQTT-3.2.2-2", version=5)
def session_absent_after_clean_start(t):
    """CONNACK to a clean start never announces a session."""
    name = absent_client(t)
    check(not t.client(name, clean=True).connack.session_present, "session present")


@clause("MQTT-3.2.2-2", version=4)
@clause("MQTT-3.2.2-3", version=5)
def session_present(t):
    """CONNACK announces the session that is resumed."""
    check(t.keeper(absent_client(t)).connack.session_present, "no session present")


@both("MQTT-3.2.0-1")
def connack_comes_first(t):
    """CONNACK precedes the messages that wait in a session."""
    name = absent_client(t)
    sender = t.client()
    for _ in range(5):
        sender.publish(t.topic("x"), b"1", 1)
    client = t.raw(name)
    props = [("session_expiry", 300)] if t.version == 5 else ()
    t.send_connect(client, clean=False, props=props)
    client.expect(CONNACK, reason=0, session_present=True)
    client.message(t.topic("x"))


@both("MQTT-4.1.0-1")
def session_is_kept_while_connected(t):
    """The state of a session stays while its connection is open, also across other connections."""
    client = t.client()
    client.subscribe((t.topic("x"), 2))
    sender = t.client()
    sender.publish(t.topic("x"), b"1", 2)
    first = client.expect(PUBLISH, qos=2)
    sender.disconnect()
    t.client().publish(t.topic("x"), b"2", 2)
    second = client.expect(PUBLISH, qos=2)
    for one in (second, first):
        client.acknowledge(PUBREC, one.packet_id)
        client.expect(PUBREL, packet_id=one.packet_id)
        client.acknowledge(PUBCOMP, one.packet_id)
    client.nothing()


@clause("MQTT-4.1.0-2", version=4)
def session_lasts_as_long_as_the_connection(t):
    """A clean session lives until its connection ends, and no longer."""
    client = t.client()
    client.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", 1)
    client.message(t.topic("x"), b"1")
    client.disconnect()
    again = t.keeper(client.client_id)
    check(not again.connack.session_present, "session present")


@clause("MQTT-4.1.0-2", version=5)
def session_expires(t):
    """When its expiry interval has passed the session is gone."""
    watcher = t.client()
    watcher.subscribe(t.topic("will"))
    # The will waits longer than the session: it is sent when the session ends.
    client = t.client(expiry=1, will=(t.topic("will"), b"end", 0, False, [("will_delay", 60)]))
    client.subscribe((t.topic("x"), 1))
    client.drop()
    watcher.message(t.topic("will"), b"end")
    again = t.client(client.client_id, clean=False)
    check(not again.connack.session_present, "session present after its expiry")
    t.client().publish(t.topic("x"), b"1", 1)
    again.nothing()


@both("MQTT-4.4.0-1")
def unacknowledged_messages_are_sent_again(t):
    """After a reconnect messages without PUBACK or PUBREC come again with their identifiers and DUP."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 2))
    for qos in (1, 2):
        sender.publish(t.topic("x"), bytes([qos]), qos)
    before = [client.expect(PUBLISH, qos=qos, dup=False) for qos in (1, 2)]
    client.drop()
    again = t.keeper(client.client_id)
    for one in before:
        again.message(t.topic("x"), one.payload, qos=one.qos, dup=True, packet_id=one.packet_id)
    again.nothing()


@both("MQTT-4.4.0-1")
def unacknowledged_pubrel_is_sent_again(t):
    """After a reconnect a PUBREL without PUBCOMP comes again with its identifier, and not the message."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 2))
    sender.publish(t.topic("x"), b"1", 2)
    number = client.expect(PUBLISH, qos=2).packet_id
    client.acknowledge(PUBREC, number)
    client.expect(PUBREL, packet_id=number)
    client.drop()
    again = t.keeper(client.client_id)
    again.expect(PUBREL, packet_id=number)
    again.acknowledge(PUBCOMP, number)
    again.nothing()


@clause("MQTT-3.3.1-1", version=4)
@clause("MQTT-3.3.1-1", version=5)
def dup_on_redelivery(t):
    """DUP is 0 at the first attempt and 1 at each further one."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 1))
    t.client().publish(t.topic("x"), b"1", 1)
    number = client.expect(PUBLISH, qos=1, dup=False).packet_id
    for _ in range(2):
        client.drop()
        client = t.keeper(client.client_id)
        client.expect(PUBLISH, qos=1, dup=True, packet_id=number)


@clause("MQTT-4.4.0-1", version=5)
def no_other_redelivery(t):
    """A message is not sent again while the connection lasts."""
    client = t.client()
    client.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", 1)
    client.expect(PUBLISH, qos=1)
    client.quiet(1.5)
    client.nothing()


@clause("MQTT-4.4.0-2", version=5)
def refused_messages_are_not_sent_again(t):
    """A message answered by PUBACK or PUBREC with an error counts as acknowledged."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 2))
    for qos, kind in ((1, PUBACK), (2, PUBREC)):
        sender.publish(t.topic("x"), b"1", qos)
        client.acknowledge(kind, client.expect(PUBLISH, qos=qos).packet_id, 0x80)
    client.nothing()
    client.drop()
    again = t.keeper(client.client_id)
    check(again.connack.session_present, "no session present")
    again.nothing()


@clause("MQTT-3.1.2-23", version=5)
def expiry_changed_by_disconnect(t):
    """DISCONNECT may change how long the session is kept, to nothing as well."""
    client = t.keeper()
    client.disconnect(0, [("session_expiry", 0)])
    again = t.keeper(client.client_id)
    check(not again.connack.session_present, "the session was kept")
    again.disconnect(0, [("session_expiry", 60)])
    check(t.keeper(client.client_id).connack.session_present, "the session was not kept")


@clause("MQTT-4.13.1-1", version=5)
def expiry_from_zero(t):
    """A session that began without expiry cannot get one from DISCONNECT."""
    client = t.client()
    client.send(packets.disconnect(5, 0, [("session_expiry", 60)]))
    client.closed(reasons={0x82})
    check(not t.keeper(client.client_id).connack.session_present, "the session was kept")


@clause("MQTT-3.2.0-2", version=5)
def one_connack(t):
    """There is never a second CONNACK on a connection."""
    client = t.client()
    t.send_connect(client)
    last = client.closed()
    check(last is None or last.kind == DISCONNECT, f"{last}")
