"""SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK: 3.8 to 3.11."""
import packets
from both_format import ILL_FORMED, all_closed
from client import check
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBACK
from suite import both, clause


@both("MQTT-3.8.1-1")
def flags_of_subscribe(t):
    """SUBSCRIBE with other flags than 2 ends the connection."""
    all_closed(t, [lambda v, flags=flags: packets.subscribe(v, 1, [(t.topic("x"), 0)], flags=flags)
                   for flags in (0, 1, 3, 10)])


@both("MQTT-3.8.3-1")
def filters_are_utf8(t):
    """Filters in SUBSCRIBE must be well-formed UTF-8."""
    all_closed(t, [lambda v, bad=bad: packets.subscribe(v, 1, [(t.topic("x").encode() + bad, 0)])
                   for bad in ILL_FORMED])


@clause("MQTT-3.8.3-2", version=4)
def wildcards_or_refusal(t):
    """Filters with wildcards are served or refused."""
    client = t.client()
    codes = client.subscribe(t.topic("+/a"), t.topic("b/#"))
    for code, name in zip(codes, ("x/a", "b/y")):
        client.publish(t.topic(name), b"1")
        if code != 0x80:
            client.message(t.topic(name), b"1")
    client.nothing()


@clause("MQTT-3.8.3-3", version=4)
@clause("MQTT-3.8.3-2", version=5)
def subscribe_without_filter(t):
    """SUBSCRIBE without any filter ends the connection."""
    client = t.client()
    client.send(packets.subscribe(t.version, 1, []))
    client.closed(reasons={0x81, 0x82})


@clause("MQTT-3.8.3-4", version=4)
@clause("MQTT-3.8.3-5", version=5)
def reserved_bits_of_options(t):
    """Reserved bits beside the QoS, or QoS 3, end the connection."""
    options = (0x04, 0x80, 3) if t.version == 4 else (0x40, 0x80, 3, 0x30)
    all_closed(t, [lambda v, one=one: packets.subscribe(v, 1, [(t.topic("x"), one)]) for one in options])


@both("MQTT-3.8.4-1")
def subscribe_is_answered(t):
    """Every SUBSCRIBE gets its SUBACK."""
    client = t.client()
    for index in range(3):
        client.send(packets.subscribe(t.version, 10 + index, [(t.topic(str(index)), 0)]))
    for index in range(3):
        client.expect(SUBACK, packet_id=10 + index)


@both("MQTT-3.8.4-2")
def suback_has_the_id(t):
    """SUBACK has the identifier of its SUBSCRIBE."""
    client = t.client()
    for number in (65535, 1, 256):
        client.send(packets.subscribe(t.version, number, [(t.topic("x"), 0)]))
        client.expect(SUBACK, packet_id=number)


@both("MQTT-3.8.4-3")
def subscription_is_replaced(t):
    """Subscribing again to the same filter replaces the subscription: one copy, with the new QoS."""
    client = t.client()
    for qos in (2, 0, 1):
        client.subscribe((t.topic("x"), qos))
        client.publish(t.topic("x"), b"1", 2)
        client.message(qos=qos)
        client.nothing()


@clause("MQTT-3.8.4-3", version=4)
@clause("MQTT-3.8.4-4", version=5)
def no_loss_while_replacing(t):
    """No message is lost while a subscription is replaced."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 1))
    for index in range(10):
        sender.send(packets.publish(t.version, t.topic("x"), bytes([index]), 1, packet_id=index + 1))
        client.send(packets.subscribe(t.version, 100 + index, [(t.topic("x"), 1)]))
    got = []
    while len(got) < 10:
        one = client.receive_or_fail(PUBLISH)
        if one.kind == PUBLISH:
            got.append(one.payload)
            client.acknowledge(PUBACK, one.packet_id)
    check(got == [bytes([index]) for index in range(10)], f"{got}")


@clause("MQTT-3.8.4-4", version=4)
@clause("MQTT-3.8.4-5", version=5)
def many_filters(t):
    """SUBSCRIBE with many filters acts like many SUBSCRIBEs and gets one SUBACK."""
    client = t.client()
    client.send(packets.subscribe(t.version, 1, [(t.topic(name), 1) for name in "abc"]))
    client.expect(SUBACK, packet_id=1)
    client.nothing()
    for name in "abc":
        client.publish(t.topic(name), name.encode(), 1)
        client.message(t.topic(name), name.encode())


@clause("MQTT-3.8.4-5", version=4)
@clause("MQTT-3.8.4-6", "MQTT-3.8.4-7", version=5)
def a_code_for_each_filter(t):
    """SUBACK has one code for each filter: a granted QoS not above the one asked for, or a failure."""
    codes = t.client().subscribe((t.topic("a"), 0), (t.topic("b"), 1), (t.topic("c"), 2), (t.topic("a"), 1))
    check(len(codes) == 4, f"{len(codes)} codes")
    for code, asked in zip(codes, (0, 1, 2, 1)):
        check(code <= asked or code >= 0x80, f"0x{code:02x} for QoS {asked}")


@clause("MQTT-3.8.4-6", version=4)
@clause("MQTT-3.8.4-8", version=5)
def lower_qos_wins(t):
    """Messages come with the lower of the QoS published and the QoS granted."""
    client, sender = t.client(), t.client()
    for asked in (0, 1, 2):
        name = t.topic(str(asked))
        granted = client.subscribe((name, asked))[0]
        for published in (0, 1, 2):
            sender.publish(name, b"1", published)
            client.message(name, qos=min(granted, published))


@both("MQTT-3.9.3-1")
def order_of_suback_codes(t):
    """The codes of SUBACK stand in the order of the filters."""
    asked = (2, 0, 1, 0, 2, 1)
    codes = t.client().subscribe(*[(t.topic(str(index)), qos) for index, qos in enumerate(asked)])
    check(tuple(codes) == asked, f"{codes} for {asked}")


@both("MQTT-3.9.3-2")
def known_suback_codes(t):
    """SUBACK has no codes but those of its table, for good filters and for bad ones."""
    client = t.client()
    client.send(packets.subscribe(t.version, 1, [(t.topic("a"), 0), (t.topic("b#"), 0), (t.topic("c"), 2)]))
    out = client.receive()
    if out is None or out.kind == packets.DISCONNECT:
        return
    check(out.kind == SUBACK and len(out.reasons) == 3, f"{out}")
    check(out.reasons[0] == 0 and out.reasons[1] >= 0x80 and out.reasons[2] == 2, f"{out}")


@both("MQTT-3.10.1-1")
def flags_of_unsubscribe(t):
    """UNSUBSCRIBE with other flags than 2 ends the connection."""
    all_closed(t, [lambda v, flags=flags: packets.unsubscribe(v, 1, [t.topic("x")], flags=flags)
                   for flags in (0, 1, 3, 10)])


@both("MQTT-3.10.3-1")
def unsubscribe_filters_are_utf8(t):
    """Filters in UNSUBSCRIBE must be well-formed UTF-8."""
    all_closed(t, [lambda v, bad=bad: packets.unsubscribe(v, 1, [t.topic("x").encode() + bad])
                   for bad in ILL_FORMED])


@both("MQTT-3.10.3-2")
def unsubscribe_without_filter(t):
    """UNSUBSCRIBE without any filter ends the connection."""
    client = t.client()
    client.send(packets.unsubscribe(t.version, 1, []))
    client.closed(reasons={0x81, 0x82})


@both("MQTT-3.10.4-1")
def unsubscribe_compares_characters(t):
    """Only the subscription whose filter is the same, character by character, is removed."""
    client = t.client()
    client.subscribe(t.topic("a/+"), t.topic("a/b"))
    client.unsubscribe(t.topic("a/#"), t.topic("A/+"), t.topic("a/b/"), t.topic("a/b"))
    client.publish(t.topic("a/b"), b"1")
    client.message(t.topic("a/b"), b"1")
    client.nothing()
    client.unsubscribe(t.topic("a/+"))
    client.publish(t.topic("a/b"), b"2")
    client.nothing()


@both("MQTT-3.10.4-2")
def unsubscribe_stops(t):
    """After UNSUBSCRIBE no new message is delivered."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 1))
    sender.publish(t.topic("x"), b"1", 1)
    client.message(payload=b"1")
    client.unsubscribe(t.topic("x"))
    for qos in (0, 1, 2):
        sender.publish(t.topic("x"), b"2", qos)
    client.nothing()


@both("MQTT-3.10.4-3")
def unsubscribe_completes(t):
    """A delivery that has begun is completed after UNSUBSCRIBE."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 2))
    sender.publish(t.topic("x"), b"1", 1)
    sender.publish(t.topic("x"), b"2", 2)
    one, two = client.expect(PUBLISH, qos=1), client.expect(PUBLISH, qos=2)
    client.unsubscribe(t.topic("x"))
    client.acknowledge(PUBREC, two.packet_id)
    client.expect(PUBREL, packet_id=two.packet_id)
    client.drop()
    again = t.keeper(client.client_id)
    got = {packet.kind: packet for packet in (again.receive_or_fail(PUBLISH), again.receive_or_fail(PUBREL))}
    check(set(got) == {PUBLISH, PUBREL}, f"{sorted(got)}")
    check(got[PUBLISH].packet_id == one.packet_id and got[PUBLISH].dup, f"{got[PUBLISH]}")
    again.acknowledge(PUBACK, one.packet_id)
    again.acknowledge(PUBCOMP, two.packet_id)
    again.nothing()


@clause("MQTT-3.10.4-4", version=4)
@clause("MQTT-3.10.4-4", "MQTT-3.10.4-5", version=5)
def unsubscribe_is_answered(t):
    """UNSUBSCRIBE gets an UNSUBACK with its identifier."""
    client = t.client()
    client.subscribe(t.topic("x"))
    for number in (1, 4660, 65535):
        client.send(packets.unsubscribe(t.version, number, [t.topic("x")]))
        client.expect(UNSUBACK, packet_id=number)


@both("MQTT-3.10.4-5")
def unsubscribe_of_nothing(t):
    """UNSUBSCRIBE of a filter that is not subscribed is answered as well."""
    client = t.client()
    codes = client.unsubscribe(t.topic("never"), t.topic("neither"))
    check(t.version == 4 or codes == [0x11, 0x11], f"{codes}")


@both("MQTT-3.10.4-6")
def unsubscribe_many(t):
    """UNSUBSCRIBE with many filters acts like many and gets one UNSUBACK."""
    client = t.client()
    client.subscribe(t.topic("a"), t.topic("b"), t.topic("c"))
    client.send(packets.unsubscribe(t.version, 50, [t.topic("a"), t.topic("none"), t.topic("c")]))
    client.expect(UNSUBACK, packet_id=50)
    client.nothing()
    for name in "abc":
        client.publish(t.topic(name), name.encode())
    client.message(t.topic("b"))
    client.nothing()
