"""PUBLISH and the delivery protocols: 3.3, 3.6 and 4.3."""
import packets
from both_format import ILL_FORMED, all_closed
from client import check
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from suite import both, clause


@both("MQTT-3.3.1-2")
def no_dup_at_qos0(t):
    """QoS 0 messages never have DUP, not even when they were published with it."""
    client = t.client()
    client.subscribe((t.topic("x"), 0))
    client.publish(t.topic("x"), b"1", 1, dup=True)
    client.message(qos=0, dup=False)


@both("MQTT-3.3.1-3")
def dup_is_not_passed_on(t):
    """DUP of what comes in says nothing about what goes out."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 2))
    for qos in (1, 2):
        sender.publish(t.topic("x"), b"1", qos, dup=True)
        client.message(qos=qos, dup=False)


@both("MQTT-3.3.1-4")
def qos_three(t):
    """PUBLISH with both QoS bits set ends the connection."""
    client = t.client()
    client.send(packets.publish(t.version, t.topic("x"), b"1", 3, packet_id=1))
    client.closed(reasons={0x81, 0x82, 0x9B})


@both("MQTT-3.3.2-1")
def topic_comes_first(t):
    """The topic name stands first and is well-formed UTF-8."""
    all_closed(t, [lambda v, bad=bad: packets.publish(v, t.topic("x").encode() + bad, b"", 1, packet_id=1)
                   for bad in ILL_FORMED])
    client = t.client()
    client.subscribe(t.topic("ü/☃/𝄞"))
    client.publish(t.topic("ü/☃/𝄞"), b"1")
    client.message(t.topic("ü/☃/𝄞"), b"1")


@clause("MQTT-3.3.2-2", "MQTT-4.7.1-1", version=4)
@clause("MQTT-3.3.2-2", "MQTT-4.7.0-1", version=5)
def wildcards_in_a_topic_name(t):
    """A topic name with a wildcard is refused and goes nowhere."""
    watcher = t.client()
    watcher.subscribe(t.topic("#"))
    for name in ("#", "+", "a/+/b", "a/#", "a#", "+b"):
        client = t.client()
        client.send(packets.publish(t.version, t.topic(name), b"1", 1, packet_id=1))
        out = client.receive()
        if t.version == 5 and out is not None and out.kind == PUBACK:
            check(out.reason == 0x90, f"{name}: {out}")
        else:
            check(out is None or out.kind == packets.DISCONNECT and out.reason >= 0x80, f"{name}: {out}")
    watcher.nothing()


@both("MQTT-3.3.2-3")
def topic_matches_the_filter(t):
    """What is delivered has the topic it was published to, which matches the filter."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("a/+/c"), 1))
    for name in ("a/b/c", "a/b/d", "a//c", "a/b/c/d", "b/b/c", "a/bb/c"):
        sender.publish(t.topic(name), name.encode(), 1)
    for name in ("a/b/c", "a//c", "a/bb/c"):
        client.message(t.topic(name), name.encode())
    client.nothing()


@both("MQTT-3.3.4-1")
def answer_by_qos(t):
    """QoS 0 gets no answer, QoS 1 a PUBACK, QoS 2 a PUBREC."""
    client = t.client()
    client.send(packets.publish(t.version, t.topic("x"), b"1"))
    client.nothing()
    client.send(packets.publish(t.version, t.topic("x"), b"1", 1, packet_id=5))
    client.expect(PUBACK, packet_id=5)
    client.send(packets.publish(t.version, t.topic("x"), b"1", 2, packet_id=6))
    client.expect(PUBREC, packet_id=6)
    client.nothing()


@clause("MQTT-3.3.5-1", version=4)
@clause("MQTT-3.3.4-2", version=5)
def overlapping_subscriptions(t):
    """With overlapping subscriptions a message comes with the highest of their QoS."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("#"), 0), (t.topic("+"), 2), (t.topic("x"), 1))
    sender.publish(t.topic("x"), b"1", 2)
    sender.publish(t.topic("end"), b"2", 0)
    highest = []
    while True:
        one = client.message()
        if one.topic == t.topic("end"):
            break
        highest.append(one.qos)
    check(max(highest, default=-1) == 2 and len(highest) <= 3, f"QoS {highest}")


@both("MQTT-3.6.1-1")
def flags_of_pubrel(t):
    """PUBREL with other flags than 2 ends the connection."""
    client = t.client()
    client.send(packets.publish(t.version, t.topic("x"), b"1", 2, packet_id=1))
    client.expect(PUBREC)
    client.send(packets.acknowledge(t.version, PUBREL, 1, flags=0))
    client.closed(reasons={0x81, 0x82})


@both("MQTT-4.3.1-1")
def qos0_delivery(t):
    """QoS 0 goes out with QoS 0 and without DUP."""
    client = t.client()
    client.subscribe((t.topic("x"), 2))
    client.publish(t.topic("x"), b"1", 0)
    client.message(t.topic("x"), b"1", qos=0, dup=False)


@clause("MQTT-4.3.2-1", version=4)
@clause("MQTT-4.3.2-1", "MQTT-4.3.2-2", version=5)
def qos1_sender(t):
    """A QoS 1 message goes out with an unused identifier, QoS 1 and without DUP."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 1))
    for index in range(4):
        sender.publish(t.topic("x"), bytes([index]), 1)
    got = [client.expect(PUBLISH, qos=1, dup=False, payload=bytes([index])) for index in range(4)]
    check(len({one.packet_id for one in got}) == 4, "an identifier in use was taken again")


@clause("MQTT-4.3.2-1", version=4)
@clause("MQTT-4.3.2-3", version=5)
def qos1_unacknowledged(t):
    """A QoS 1 message stays unacknowledged until its PUBACK: it comes again until then, and not after."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 1))
    t.client().publish(t.topic("x"), b"1", 1)
    number = client.expect(PUBLISH, qos=1).packet_id
    client.drop()
    again = t.keeper(client.client_id)
    again.message(packet_id=number, dup=True)
    again.nothing()
    again.drop()
    t.keeper(client.client_id).nothing()


@clause("MQTT-4.3.2-2", version=4)
@clause("MQTT-4.3.2-4", "MQTT-4.3.2-5", version=5)
def qos1_receiver(t):
    """Each PUBLISH of QoS 1 gets a PUBACK; after it the identifier stands for a new message, whatever DUP says."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 0))
    for index in range(3):
        sender.publish(t.topic("x"), bytes([index]), 1, dup=index > 0, packet_id=9)
        client.message(payload=bytes([index]))


@clause("MQTT-4.3.3-1", version=4)
@clause("MQTT-4.3.3-1", "MQTT-4.3.3-2", version=5)
def qos2_sender(t):
    """A QoS 2 message goes out with an unused identifier, QoS 2 and without DUP."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 2))
    for index in range(4):
        sender.publish(t.topic("x"), bytes([index]), 2)
    got = [client.expect(PUBLISH, qos=2, dup=False, payload=bytes([index])) for index in range(4)]
    check(len({one.packet_id for one in got}) == 4, "an identifier in use was taken again")


@clause("MQTT-4.3.3-1", version=4)
@clause("MQTT-4.3.3-3", "MQTT-4.3.3-4", "MQTT-4.3.3-5", "MQTT-4.3.3-6", version=5)
def qos2_unacknowledged(t):
    """PUBLISH comes again until PUBREC, then PUBREL with the same identifier until PUBCOMP, then nothing."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 2))
    t.client().publish(t.topic("x"), b"1", 2)
    number = client.expect(PUBLISH, qos=2).packet_id
    client.drop()
    again = t.keeper(client.client_id)
    again.expect(PUBLISH, qos=2, dup=True, packet_id=number)
    again.acknowledge(PUBREC, number)
    again.expect(PUBREL, packet_id=number)
    for _ in range(2):
        again.drop()
        again = t.keeper(client.client_id)
        again.expect(PUBREL, packet_id=number)
        again.nothing()
    again.acknowledge(PUBCOMP, number)
    again.nothing()
    again.drop()
    t.keeper(client.client_id).nothing()


@clause("MQTT-4.3.3-2", version=4)
@clause("MQTT-4.3.3-8", "MQTT-4.3.3-10", version=5)
def qos2_receiver(t):
    """A QoS 2 PUBLISH that comes again before PUBREL gets a PUBREC again and is delivered once."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 2))
    for dup in (False, True, True):
        sender.send(packets.publish(t.version, t.topic("x"), b"1", 2, dup=dup, packet_id=7))
        sender.expect(PUBREC, packet_id=7)
    sender.acknowledge(PUBREL, 7)
    sender.expect(PUBCOMP, packet_id=7)
    client.message(payload=b"1", qos=2)
    client.nothing()


@clause("MQTT-4.3.3-2", version=4)
@clause("MQTT-4.3.3-10", version=5)
def qos2_receiver_across_connections(t):
    """The receiver remembers the identifier when the publisher comes back: delivered once."""
    watcher, sender = t.client(), t.keeper()
    watcher.subscribe((t.topic("x"), 2))
    sender.send(packets.publish(t.version, t.topic("x"), b"1", 2, packet_id=7))
    sender.expect(PUBREC, packet_id=7)
    sender.drop()
    again = t.keeper(sender.client_id)
    again.send(packets.publish(t.version, t.topic("x"), b"1", 2, dup=True, packet_id=7))
    again.expect(PUBREC, packet_id=7)
    again.acknowledge(PUBREL, 7)
    again.expect(PUBCOMP, packet_id=7)
    watcher.message(payload=b"1", qos=2)
    watcher.nothing()


@clause("MQTT-4.3.3-2", version=4)
@clause("MQTT-4.3.3-11", "MQTT-4.3.3-12", version=5)
def qos2_completion(t):
    """PUBREL gets a PUBCOMP with its identifier, which then stands for a new message."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 0))
    for index in range(3):
        sender.publish(t.topic("x"), bytes([index]), 2, dup=index > 0, packet_id=9)
        client.message(payload=bytes([index]))


@clause("MQTT-4.3.3-2", version=4)
@clause("MQTT-4.3.3-11", version=5)
def pubrel_without_message(t):
    """A PUBREL for an identifier that is not known is answered by PUBCOMP as well."""
    client = t.client()
    client.acknowledge(PUBREL, 77)
    check(client.expect(PUBCOMP, packet_id=77).reason in (0, None, 0x92), "another reason")


@clause("MQTT-4.6.0-1", version=4)
@clause("MQTT-4.6.0-5", version=5)
def order_of_redelivery(t):
    """Messages that come again after a reconnect keep their order."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 1))
    for index in range(6):
        sender.publish(t.topic("x"), bytes([index]), 1)
    for index in range(6):
        client.expect(PUBLISH, payload=bytes([index]))
    client.drop()
    again = t.keeper(client.client_id)
    for index in range(6):
        again.message(payload=bytes([index]), dup=True)


@clause("MQTT-4.6.0-5", version=4)
@clause("MQTT-4.6.0-6", version=5)
def topics_are_ordered(t):
    """Messages of one topic and QoS arrive in the order of their publication."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("#"), 2))
    for qos in (0, 1, 2):
        for index in range(10):
            sender.publish(t.topic(str(qos)), bytes([index]), qos)
        for index in range(10):
            client.message(t.topic(str(qos)), bytes([index]), qos=qos)


@clause("MQTT-4.6.0-6", version=4)
@clause("MQTT-4.6.0-5", version=5)
def order_of_a_flood(t):
    """Order also holds when the publisher does not wait for acknowledgements."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 1))
    data = b"".join(packets.publish(t.version, t.topic("x"), bytes([index]), 1, packet_id=index + 1)
                    for index in range(15))
    sender.send(data)
    for index in range(15):
        sender.expect(PUBACK, packet_id=index + 1)
        client.message(payload=bytes([index]))


@clause("MQTT-4.6.0-6", version=4)
def order_of_pubrel(t):
    """The server's PUBRELs follow the order of the PUBRECs."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 2))
    for index in range(4):
        sender.publish(t.topic("x"), bytes([index]), 2)
    numbers = [client.expect(PUBLISH).packet_id for _ in range(4)]
    for number in numbers:
        client.acknowledge(PUBREC, number)
    for number in numbers:
        client.expect(PUBREL, packet_id=number)
