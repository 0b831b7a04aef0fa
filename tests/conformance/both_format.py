"""Chapters 1 and 2: strings, flags and packet identifiers."""
import packets
from client import check
from packets import PINGREQ, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from suite import both, clause

# A lone continuation, overlong forms, surrogates, above U+10FFFF, a sequence cut off, a byte that never occurs.
ILL_FORMED = [b"\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x82",
              b"\xff"]


def places_of_text(t, text):
    """(connected client, bytes) for every place where a client sends a text, without CONNECT."""
    name = t.topic("x").encode() + text
    yield lambda v: packets.publish(v, name, b"p", 0)
    yield lambda v: packets.publish(v, name, b"p", 1, packet_id=1)
    yield lambda v: packets.subscribe(v, 1, [(name, 0)])
    yield lambda v: packets.unsubscribe(v, 1, [name])


def all_closed(t, builders):
    """Each of these packets, on its own connection, makes the server close it."""
    clients = []
    for build in builders:
        client = t.client()
        client.send(build(t.version))
        clients.append(client)
    for client in clients:
        client.closed()


@clause("MQTT-1.5.3-1", version=4)
@clause("MQTT-1.5.4-1", version=5)
def ill_formed_utf8(t):
    """Ill-formed UTF-8 in a topic name or filter ends the connection."""
    builders = list(places_of_text(t, ILL_FORMED[3]))
    for bad in ILL_FORMED:
        builders.append(lambda v, bad=bad: packets.publish(v, t.topic("x").encode() + bad, b"p", 0))
    all_closed(t, builders)


@clause("MQTT-1.5.3-2", version=4)
@clause("MQTT-1.5.4-2", version=5)
def null_character(t):
    """U+0000 in a topic name, a filter, a client id or a will topic ends the connection."""
    all_closed(t, places_of_text(t, b"\0y"))
    t.send_connect(client_id="a\0b").refused()
    t.send_connect(will=(t.topic("w\0"), b"", 0, False)).refused()


@clause("MQTT-1.5.3-3", version=4)
@clause("MQTT-1.5.4-3", version=5)
def byte_order_mark(t):
    """U+FEFF is a character like others: kept, and it distinguishes topics."""
    marked, plain = t.topic("\ufeffx"), t.topic("x")
    one, other, sender = t.client(), t.client(), t.client()
    one.subscribe(marked)
    other.subscribe(plain)
    sender.publish(marked, b"1", 1)
    one.message(marked, b"1")
    other.nothing()


@clause("MQTT-2.2.2-1", version=4)
@clause("MQTT-2.1.3-1", version=5)
def servers_flags(t):
    """Every kind of packet the server sends in normal work has its reserved flags as the table says."""
    client = t.client()
    client.subscribe((t.topic("x"), 2))
    client.publish(t.topic("x"), b"1", 1)
    client.message(qos=1)
    client.publish(t.topic("x"), b"2", 2)
    client.message(qos=2)
    client.unsubscribe(t.topic("x"))
    client.nothing()


def wrong_flags(t, rows):
    for kind, flags, body in rows:
        client = t.client()
        client.send(packets.packet(kind, body, flags))
        try:
            client.closed()
        except Exception as error:
            raise type(error)(f"{packets.NAMES[kind]} with flags {flags}: {error}") from error


@clause("MQTT-2.2.2-2", version=4)
@clause("MQTT-4.13.1-1", version=5)
def invalid_flags(t):
    """Flags other than those of the table end the connection, for every kind of packet."""
    number, none = packets.u16(1), b"\0" if t.version == 5 else b""
    text = packets.string(t.topic("x"))
    wrong_flags(t, [(PUBACK, 1, number), (PUBREC, 2, number), (PUBREL, 0, number), (PUBREL, 3, number),
                    (PUBCOMP, 8, number), (packets.SUBSCRIBE, 0, number + none + text + b"\0"),
                    (packets.UNSUBSCRIBE, 0, number + none + text), (PINGREQ, 1, b""), (packets.DISCONNECT, 1, b""),
                    (PUBLISH, 6, text + number + none)])


@clause("MQTT-2.3.1-1", version=4)
@clause("MQTT-4.13.1-1", version=5)
def packet_id_zero(t):
    """A packet identifier of zero is an error in SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0."""
    name = t.topic("x")
    all_closed(t, [lambda v: packets.subscribe(v, 0, [(name, 0)]), lambda v: packets.unsubscribe(v, 0, [name]),
                   lambda v: packets.publish(v, name, b"", 1, packet_id=0),
                   lambda v: packets.publish(v, name, b"", 2, packet_id=0)])


@clause("MQTT-2.3.1-4", "MQTT-2.3.1-1", version=4)
@clause("MQTT-2.2.1-4", version=5)
def servers_packet_ids(t):
    """Messages in flight from the server have different identifiers, none of them zero."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("#"), 2))
    for index in range(6):
        sender.publish(t.topic(str(index)), b"", 1 + index % 2)
    got = [client.expect(PUBLISH) for _ in range(6)]
    check(len({one.packet_id for one in got}) == 6, f"identifiers {[one.packet_id for one in got]}")


@clause("MQTT-2.3.1-5", version=4)
@clause("MQTT-2.2.1-2", version=5)
def no_id_at_qos0(t):
    """A QoS 0 message carries no packet identifier, whatever QoS it was published with."""
    client = t.client()
    client.subscribe((t.topic("x"), 0))
    for qos in (0, 1, 2):
        client.publish(t.topic("x"), b"only this", qos)
        client.message(t.topic("x"), b"only this", qos=0)


@clause("MQTT-2.3.1-6", version=4)
@clause("MQTT-2.2.1-5", version=5)
def acknowledgements_carry_the_id(t):
    """PUBACK, PUBREC, PUBREL and PUBCOMP have the identifier of the PUBLISH."""
    client = t.client()
    client.subscribe((t.topic("in"), 2))
    for number in (1, 0x1234, 0xFFFF):
        client.publish(t.topic("x"), b"", 1, packet_id=number)
        client.publish(t.topic("x"), b"", 2, packet_id=number)
    client.publish(t.topic("in"), b"", 2)
    client.message(qos=2)


@clause("MQTT-2.3.1-7", version=4)
@clause("MQTT-2.2.1-6", version=5)
def subscription_answers_carry_the_id(t):
    """SUBACK and UNSUBACK have the identifier of the request."""
    client = t.client()
    for number in (1, 0x1234, 0xFFFF):
        client.send(packets.subscribe(t.version, number, [(t.topic("x"), 0)]))
        client.expect(packets.SUBACK, packet_id=number)
        client.send(packets.unsubscribe(t.version, number, [t.topic("x")]))
        client.expect(packets.UNSUBACK, packet_id=number)


@clause("MQTT-4.8.0-1", version=4)
@clause("MQTT-4.13.1-1", version=5)
def broken_packets(t):
    """Packets that break the format of every version end the connection."""
    kinds = [bytes([0x00, 0]), bytes([packets.CONNACK << 4, 2, 0, 0]), bytes([packets.SUBACK << 4, 3, 0, 1, 0]),
             bytes([packets.UNSUBACK << 4, 2, 0, 1]), bytes([packets.PINGRESP << 4, 0])]
    lengths = [b"\x30\xff\xff\xff\xff\x01", b"\xc0\x01\x00", b"\x82\x02\x00\x01", b"\x30\x01\x00", b"\x32\x03\x00\x01a",
               b"\x40\x01\x00", b"\x62\x00", b"\xa2\x02\x00\x01", b"\x30\x04\x00\x09ab"]
    if t.version == 4:
        lengths += [b"\xe0\x01\x00", b"\xf0\x00", b"\x40\x03\x00\x01\x00"]
    for data in kinds + lengths:
        client = t.client()
        client.send(data)
        try:
            client.closed()
        except Exception as error:
            raise type(error)(f"{data.hex(' ')}: {error}") from error


@clause("MQTT-7.1.1-1", version=4)
@clause("MQTT-4.2.0-1", version=5)
def stream_of_bytes(t):
    """The transport is a stream: packets may come byte by byte or many in one piece."""
    client = t.raw()
    for byte in t.connect_bytes(client):
        client.send(bytes([byte]))
    client.expect(packets.CONNACK, reason=0)
    name = t.topic("x")
    client.send(packets.subscribe(t.version, 1, [(name, 0)]) + packets.publish(t.version, name, b"1")
                + packets.publish(t.version, name, b"2") + packets.packet(PINGREQ))
    client.answer(packets.SUBACK)
    client.message(name, b"1")
    client.message(name, b"2")
    client.expect(packets.PINGRESP)


@clause("MQTT-7.0.0-2", version=4)
def no_extension_needed(t):
    """A client that uses nothing but the mandatory parts is served."""
    client = t.client(keep_alive=0)
    client.subscribe(t.topic("x"))
    client.publish(t.topic("x"), b"1")
    client.message(t.topic("x"), b"1")
    client.disconnect()


@both("MQTT-3.12.4-1")
def pings_are_answered(t):
    """Each PINGREQ gets one PINGRESP."""
    client = t.client()
    client.send(packets.packet(PINGREQ) * 3)
    for _ in range(3):
        client.expect(packets.PINGRESP)
    client.nothing()


@clause("MQTT-3.14.1-1", version=4)
@clause("MQTT-3.14.1-1", version=5)
def flags_of_disconnect(t):
    """DISCONNECT with reserved bits is malformed: the will is sent, as after any error."""
    watcher = t.client()
    watcher.subscribe(t.topic("will"))
    client = t.client(will=(t.topic("will"), b"gone", 0, False))
    client.send(packets.disconnect(t.version, flags=4))
    last = client.closed()
    if t.version == 5 and last:
        check(last.reason in (0x81, 0x82), f"{last}")
    watcher.message(t.topic("will"), b"gone")
