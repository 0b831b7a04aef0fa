"""5.0 only: subscription options and identifiers, shared subscriptions. 3.3.1.3, 3.3.4, 3.8, 3.11, 4.8."""
import packets
from both_retain import clear
from client import check
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK
from suite import clause

NO_LOCAL, AS_PUBLISHED = 0x04, 0x08
ALWAYS, IF_NEW, NEVER = 0x00, 0x10, 0x20


@clause("MQTT-3.3.1-10", version=5)
def retain_handling_new_only(t):
    """Retain handling 1 sends retained messages only when the subscription did not exist."""
    client = t.client()
    client.publish(t.topic("x"), b"1", 1, retain=True)
    client.subscribe((t.topic("x"), 1 | IF_NEW))
    client.message(payload=b"1", retain=True)
    client.subscribe((t.topic("x"), 1 | IF_NEW))
    client.nothing()
    client.unsubscribe(t.topic("x"))
    client.subscribe((t.topic("x"), 1 | IF_NEW))
    client.message(payload=b"1", retain=True)
    clear(t, "x")


@clause("MQTT-3.3.1-11", version=5)
def retain_handling_never(t):
    """Retain handling 2 sends no retained messages, only later ones."""
    client = t.client()
    client.publish(t.topic("x"), b"1", 1, retain=True)
    client.subscribe((t.topic("x"), 1 | NEVER))
    client.nothing()
    client.publish(t.topic("x"), b"2", 1, retain=True)
    client.message(payload=b"2")
    clear(t, "x")


@clause("MQTT-3.3.1-13", version=5)
def retain_as_published(t):
    """With retain as published the flag arrives as it was sent."""
    client = t.client()
    client.subscribe((t.topic("x"), 1 | AS_PUBLISHED))
    for retain in (True, False):
        client.publish(t.topic("x"), b"1", 1, retain=retain)
        client.message(retain=retain)
    clear(t, "x")


@clause("MQTT-3.8.3-3", version=5)
def no_local(t):
    """With no local a client does not get what it published itself, others do."""
    client, other = t.client(), t.client()
    client.subscribe((t.topic("x"), 1 | NO_LOCAL))
    other.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"own", 1)
    client.nothing()
    other.message(payload=b"own")
    other.publish(t.topic("x"), b"other", 1)
    client.message(payload=b"other")


@clause("MQTT-3.8.3-4", version=5)
def no_local_shared(t):
    """No local on a shared subscription is a protocol error."""
    client = t.client()
    client.send(packets.subscribe(5, 1, [(f"$share/g/{t.topic('x')}", NO_LOCAL)]))
    client.closed(reasons={0x81, 0x82})


@clause("MQTT-3.3.4-3", version=5)
def subscription_identifier(t):
    """A message carries the identifier of its subscription, as it was given last."""
    client = t.client()
    for number in (1, 127, 128, 268435455):
        client.subscribe((t.topic("x"), 1), props=[("subscription_id", number)])
        client.publish(t.topic("x"), b"1", 1)
        check(client.message().all("subscription_id") == [number], f"not {number}")
    client.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", 1)
    check(client.message().all("subscription_id") == [], "an identifier that was taken away")


def overlapping(t, qos):
    """The identifiers of each copy of a message for which several subscriptions match."""
    client = t.client()
    client.subscribe((t.topic("#"), 2), props=[("subscription_id", 11)])
    client.subscribe((t.topic("+"), 1), props=[("subscription_id", 22)])
    client.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", qos)
    client.publish(t.topic("end/end"), b"", 0)
    out = []
    while True:
        got = client.message()
        if got.topic == t.topic("end/end"):
            return out
        out.append(got.all("subscription_id"))


@clause("MQTT-3.3.4-4", version=5)
def identifiers_of_a_single_copy(t):
    """One copy for many subscriptions has the identifiers of all; many copies have all of them together."""
    for qos in (0, 1):
        copies = overlapping(t, qos)
        check(sorted(one for copy in copies for one in copy) == [11, 22], f"{copies}")


@clause("MQTT-3.3.4-5", version=5)
def identifiers_of_many_copies(t):
    """If there is a copy for each subscription, each has at most the identifier of its own."""
    copies = overlapping(t, 1)
    check(1 <= len(copies) <= 3, f"{copies}")
    check(len(copies) == 1 or all(len(copy) <= 1 for copy in copies), f"{copies}")


@clause("MQTT-3.3.4-6", version=5)
def identifier_from_a_client(t):
    """A client must not publish with a subscription identifier."""
    watcher, client = t.client(), t.client()
    watcher.subscribe(t.topic("x"))
    client.send(packets.publish(5, t.topic("x"), b"", 1, packet_id=1, props=[("subscription_id", 1)]))
    client.closed(reasons={0x81, 0x82})
    watcher.nothing()


@clause("MQTT-3.11.3-1", "MQTT-3.11.3-2", version=5)
def unsuback_codes(t):
    """UNSUBACK has a code for each filter, in their order."""
    client = t.client()
    client.subscribe(t.topic("a"), t.topic("c"))
    codes = client.unsubscribe(t.topic("a"), t.topic("b"), t.topic("c"), t.topic("a"))
    check(codes == [0, 0x11, 0, 0x11], f"{codes}")


# --- shared subscriptions

def share(t, name="x", group="g"):
    return f"$share/{group}/{t.topic(name)}"


def is_refused(t, text):
    client = t.client()
    client.send(packets.subscribe(5, 1, [(text, 0)]))
    out = client.receive()
    if out is not None and out.kind == SUBACK:
        check(len(out.reasons) == 1 and out.reasons[0] >= 0x80, f"{text!r}: {out}")
    else:
        check(out is None or out.kind == packets.DISCONNECT, f"{text!r}: {out}")


@clause("MQTT-4.8.2-1", version=5)
def share_name_is_needed(t):
    """A shared subscription has a share name and a filter."""
    for text in (f"$share//{t.topic('x')}", "$share/", "$share/g", "$share/g/"):
        is_refused(t, text)


@clause("MQTT-4.8.2-2", version=5)
def share_name_characters(t):
    """A share name has no wildcard; the rest after it is the filter."""
    for group in ("g+", "+", "#", "g#"):
        is_refused(t, share(t, group=group))
    client = t.client()
    client.subscribe(share(t, "a/+", "näme"))
    client.publish(t.topic("a/b"), b"1")
    client.message(t.topic("a/b"), b"1")


def members(t, count, qos=1, **options):
    out = []
    for _ in range(count):
        client = t.keeper(**options)
        code = client.subscribe((share(t), qos))[0]
        check(code < 0x80, f"SUBACK 0x{code:02x}")
        out.append(client)
    return out


@clause("MQTT-4.8.2-3", version=5)
def shared_qos(t):
    """Members get each message once among them, with no more than their granted QoS; others get their own copy."""
    first, second = members(t, 1, 1) + members(t, 1, 0)
    plain, sender = t.client(), t.client()
    plain.subscribe((t.topic("x"), 2))
    for index in range(8):
        sender.publish(t.topic("x"), bytes([index]), 2)
        plain.message(payload=bytes([index]), qos=2)
    got = []
    for client, granted in ((first, 1), (second, 0)):
        for one in client.drain():
            check(one.kind == PUBLISH and one.qos == granted, f"{one}")
            got.append(one.payload)
    check(sorted(got) == [bytes([index]) for index in range(8)], f"{sorted(got)}")


def chosen(t, clients, qos):
    """Publishes; returns the member that got the message, the others, and the message, not acknowledged."""
    t.client().publish(t.topic("x"), b"1", qos)
    found = [(client, one) for client in clients for one in client.drain()]
    check(len(found) == 1 and found[0][1].kind == PUBLISH, f"{len(found)} members got it")
    client, one = found[0]
    return client, [other for other in clients if other is not client], one


@clause("MQTT-4.8.2-4", version=5)
def shared_delivery_is_completed(t):
    """A QoS 2 delivery that has begun is completed with the same member when it comes back."""
    client, others, one = chosen(t, members(t, 2, 2), 2)
    client.drop()
    again = t.keeper(client.client_id)
    again.expect(PUBLISH, payload=b"1", qos=2, dup=True, packet_id=one.packet_id)
    again.acknowledge(PUBREC, one.packet_id)
    again.expect(PUBREL, packet_id=one.packet_id)
    again.acknowledge(PUBCOMP, one.packet_id)
    for other in others:
        other.nothing()


@clause("MQTT-4.8.2-5", version=5)
def shared_delivery_ends_with_the_session(t):
    """A QoS 2 message whose member is gone for good is not given to another."""
    client, others, one = chosen(t, members(t, 2, 2), 2)
    client.acknowledge(PUBREC, one.packet_id)
    client.expect(PUBREL, packet_id=one.packet_id)
    client.disconnect(0, [("session_expiry", 0)])
    for other in others:
        other.nothing()


@clause("MQTT-4.8.2-6", version=5)
def shared_delivery_refused(t):
    """A message that a member refuses is not given to another."""
    clients = members(t, 2, 2)
    for qos, kind in ((1, PUBACK), (2, PUBREC)):
        client, others, one = chosen(t, clients, qos)
        client.acknowledge(kind, one.packet_id, 0x80)
        client.nothing()
        for other in others:
            other.nothing()


@clause("MQTT-4.13.1-1", version=5)
def bad_subscription_options(t):
    """Retain handling 3, identifier 0, two identifiers: each ends the connection."""
    name = t.topic("x")
    for data in (packets.subscribe(5, 1, [(name, 0x30)]),
                 packets.subscribe(5, 1, [(name, 0)], [("subscription_id", 0)]),
                 packets.subscribe(5, 1, [(name, 0)], [("subscription_id", 1), ("subscription_id", 2)])):
        client = t.client()
        client.send(data)
        client.closed(reasons={0x81, 0x82})
