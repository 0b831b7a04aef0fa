"""5.0 only: CONNECT, CONNACK, AUTH and what they promise. 3.1, 3.2, 3.15, 4.12."""
import packets
from client import Skip, check
from packets import CONNACK, DISCONNECT
from suite import clause


@clause("MQTT-1.5.5-1", version=5)
def shortest_integers(t):
    """Variable byte integers of the server are as short as possible, around every border of their length."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 0))
    overhead = 2 + len(t.topic("x")) + 1
    for size in (127 - overhead, 128 - overhead, 129 - overhead, 1000, 4000):
        sender.publish(t.topic("x"), b"x" * size)
        client.message(payload=b"x" * size)
    for size in (120, 127, 128, 129):
        props = [("user_property", ("k", "v" * (size - 6)))]
        sender.publish(t.topic("x"), b"", props=props)
        check(client.message().props == props, "the properties changed")


@clause("MQTT-2.2.2-1", version=5)
def empty_properties(t):
    """Packets without properties have a property length of zero; short acknowledgements may leave it out."""
    client = t.client()
    client.subscribe((t.topic("x"), 2))
    for qos in (0, 1, 2):
        client.publish(t.topic("x"), b"1", qos)
        check(client.message(payload=b"1", qos=qos).all("user_property") == [], "properties from nowhere")
    check(client.unsubscribe(t.topic("x")) == [0], "UNSUBACK")


@clause("MQTT-3.2.2-1", version=5)
def connack_flags(t):
    """The first byte of CONNACK is 0 or 1."""
    client = t.keeper()
    check(client.connack.session_present is False, "session present")
    client.disconnect()
    check(t.keeper(client.client_id).connack.session_present is True, "no session present")


@clause("MQTT-3.1.2-28", version=5)
def no_response_information(t):
    """Response information comes only when it is requested."""
    for props in ([], [("request_response", 0)]):
        check(t.client(props=props).connack.get("response_information") is None, "response information")
    t.client(props=[("request_response", 1)])


def provoke(t, client):
    """Makes the server answer with all kinds of acknowledgements that might carry a reason; returns them."""
    version, none = t.version, t.topic("nobody/listens")
    got = []
    client.send(packets.publish(version, none, b"", 1, packet_id=1))
    got.append(client.expect(packets.PUBACK))
    client.send(packets.publish(version, none, b"", 2, packet_id=2))
    got.append(client.expect(packets.PUBREC))
    client.acknowledge(packets.PUBREL, 2)
    got.append(client.expect(packets.PUBCOMP))
    client.acknowledge(packets.PUBREL, 99)
    got.append(client.expect(packets.PUBCOMP))
    client.acknowledge(packets.PUBREC, 98)
    got.append(client.expect(packets.PUBREL))
    client.acknowledge(packets.PUBCOMP, 98)
    client.send(packets.unsubscribe(version, 3, [none]))
    got.append(client.expect(packets.UNSUBACK))
    client.send(packets.subscribe(version, 4, [(none, 0)]))
    got.append(client.expect(packets.SUBACK))
    client.send(packets.subscribe(version, 5, [(t.topic("a#"), 0), (t.topic("a"), 0)]))
    last = client.receive()
    if last is not None and last.kind == packets.SUBACK:
        got.append(last)
    return got


@clause("MQTT-3.1.2-29", version=5)
def no_problem_information(t):
    """Without problem information acknowledgements have neither reason string nor user properties."""
    client = t.client(props=[("request_problem", 0)])
    for one in provoke(t, client):
        check(not one.get("reason_string") and not one.all("user_property"), f"{one}")
    provoke(t, t.client(props=[("request_problem", 1)]))


@clause("MQTT-3.1.3-7", "MQTT-3.2.2-16", version=5)
def assigned_client_id(t):
    """A client without id is told the one it got, which is new and names its session."""
    names = set()
    for _ in range(3):
        client = t.send_connect(client_id="", props=[("session_expiry", 60)])
        out = client.receive()
        if out is None or out.reason:
            raise Skip("the server assigns no client ids")
        check(out.get("assigned_client_id"), "no assigned client id")
        names.add(out.get("assigned_client_id"))
        client.disconnect()
    check(len(names) == 3, f"{names}")
    check(t.keeper(names.pop(), expiry=0).connack.session_present, "the session is not found by the id")
    check(t.client().connack.get("assigned_client_id") is None, "assigned although there was one")


@clause("MQTT-3.1.3-8", version=5)
def unusual_client_ids(t):
    """A client id that is not taken ends the connection, perhaps after CONNACK with 0x85; others are served."""
    for name in ("x" * 24 + t.new_client_id(), "y" * 2000, "a b/+#$ü" + t.new_client_id()):
        client = t.send_connect(client_id=name)
        out = client.receive()
        if out is not None and out.reason == 0:
            client.nothing()
            continue
        check(out is None or out.kind == CONNACK and out.reason == 0x85, f"{out}")
        check(out is None or client.receive() is None, "not closed")


@clause("MQTT-3.1.4-2", version=5)
def wrong_password(t):
    """A connection that fails authentication is closed, perhaps after saying why."""
    if t.server.password is None:
        raise Skip("the server is used without a password")
    t.send_connect(password=b"not " + t.server.password).refused({0x86, 0x87})


@clause("MQTT-4.12.0-1", "MQTT-3.2.2-6", "MQTT-3.2.2-7", version=5)
def authentication_method(t):
    """An authentication method that is not known is refused, without session present, and the connection ends."""
    for data in ([], [("authentication_data", b"\1\2")]):
        t.send_connect(props=[("authentication_method", "NOT-KNOWN-1"), *data]).refused({0x8C, 0x87})


@clause("MQTT-3.2.2-8", "MQTT-4.13.2-1", version=5)
def connack_codes(t):
    """Refusals have a code of the table, and the connection ends after them."""
    t.send_connect(props=[("authentication_method", "NOT-KNOWN-1")]).refused()
    t.send_connect(props=[("receive_maximum", 0)]).refused()
    t.send_connect(client_id=b"\xff").refused()
    t.send_connect(will=(t.topic("#"), b"", 0, False)).refused({0x81, 0x82, 0x90})


@clause("MQTT-4.12.0-6", version=5)
def no_auth_unasked(t):
    """Without an authentication method there is no AUTH and no method in CONNACK."""
    client = t.client()
    check(client.connack.get("authentication_method") is None, f"{client.connack}")
    client.nothing()


@clause("MQTT-3.15.1-1", version=5)
def flags_of_auth(t):
    """AUTH with reserved bits is malformed."""
    for flags in (1, 2, 8):
        client = t.client()
        client.send(packets.packet(packets.AUTH, b"", flags))
        client.closed(reasons={0x81, 0x82})


@clause("MQTT-4.13.1-1", version=5)
def auth_without_method(t):
    """AUTH on a connection without authentication method is a protocol error."""
    for data in (packets.auth(0x19, [("authentication_method", "X")]), packets.auth(0x18), packets.auth()):
        client = t.client()
        client.send(data)
        client.closed(reasons={0x81, 0x82, 0x8C})


@clause("MQTT-3.2.2-9", "MQTT-3.2.2-10", version=5)
def maximum_qos(t):
    """Every QoS works up to the maximum of CONNACK; subscriptions may ask for more."""
    client = t.client()
    maximum = client.connack.get("maximum_qos", 2)
    check(maximum in (0, 1, 2), f"maximum QoS {maximum}")
    for qos in (0, 1, 2):
        code = client.subscribe((t.topic(str(qos)), qos))[0]
        check(code <= qos, f"SUBACK 0x{code:02x}")
        if qos <= maximum:
            client.publish(t.topic(str(qos)), b"1", qos)
            client.message(t.topic(str(qos)), b"1", qos=min(code, qos))


@clause("MQTT-3.14.0-1", version=5)
def no_disconnect_before_connack(t):
    """The server sends no DISCONNECT on a connection that it has not accepted."""
    for data in (b"\x10\x00", b"\xc0\x00", b"\xe0\x00", b"\xf0\x00", b"\x10\xff\xff\xff\xff\x7f", b"\x00\x00"):
        client = t.raw()
        client.send(data)
        try:
            out = client.receive()
        except TimeoutError:
            out = None
        check(out is None or out.kind == CONNACK and out.reason >= 0x80, f"{out}")


def errors(t):
    """Packets that make the server say DISCONNECT."""
    name = t.topic("x")
    return [packets.subscribe(5, 1, []), packets.publish(5, name, b"", 0, props=[("topic_alias", 0)]),
            packets.publish(5, name, b"", 0, props=[("subscription_id", 1)]), packets.auth(),
            packets.packet(packets.PUBREL, b"\0\1", 0), packets.packet(packets.CONNECT, b"")]


@clause("MQTT-3.14.2-1", "MQTT-3.14.2-2", "MQTT-3.14.4-1", "MQTT-3.14.4-2", version=5)
def servers_disconnect(t):
    """DISCONNECT of the server has a code of its table, no session expiry, nothing after it but the close."""
    for data in errors(t):
        client = t.client(expiry=10)
        client.send(data)
        client.closed()
        check(client.receive(0.1) is None, "something after the end")


@clause("MQTT-3.14.2-3", "MQTT-3.14.2-4", version=5)
def size_of_disconnect(t):
    """DISCONNECT has no reason string or user property that would make it too large for the client."""
    limit = max(24, t.client().connack.size)
    for data in errors(t):
        client = t.client(props=[("maximum_packet_size", limit)])
        client.send(data)
        last = client.closed()
        check(last is None or last.kind == DISCONNECT and last.size <= limit, f"{last}")


@clause("MQTT-3.2.2-19", "MQTT-3.2.2-20", version=5)
def size_of_connack(t):
    """CONNACK has no reason string or user property that would make it too large for the client."""
    limit = max(24, t.client().connack.size)
    size = t.client(props=[("maximum_packet_size", limit)]).connack.size
    check(size <= limit, f"{size} bytes for at most {limit}")
    last = t.send_connect(props=[("maximum_packet_size", 16), ("authentication_method", "NOT-KNOWN-1")]).refused()
    check(last is None or last.size <= 16, f"{last}")


@clause("MQTT-3.4.2-2", "MQTT-3.4.2-3", "MQTT-3.5.2-2", "MQTT-3.5.2-3", "MQTT-3.6.2-2", "MQTT-3.6.2-3", "MQTT-3.7.2-2",
        "MQTT-3.7.2-3", "MQTT-3.9.2-1", "MQTT-3.9.2-2", "MQTT-3.11.2-1", "MQTT-3.11.2-2", version=5)
def size_of_acknowledgements(t):
    """No acknowledgement grows beyond the client's maximum by a reason string or user property."""
    limit = max(24, t.client().connack.size)
    for one in provoke(t, t.client(props=[("maximum_packet_size", limit)])):
        check(one.size <= limit, f"{one.size} bytes for at most {limit}: {one}")


@clause("MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.6.2-1", "MQTT-3.7.2-1", version=5)
def codes_of_acknowledgements(t):
    """PUBACK, PUBREC, PUBREL and PUBCOMP have codes of their tables, and those that say what happened."""
    got = provoke(t, t.client())
    allowed = {packets.PUBACK: {0, 0x10}, packets.PUBREC: {0, 0x10}, packets.PUBREL: {0, 0x92},
               packets.PUBCOMP: {0, 0x92}}
    for one in got[:5]:
        check(one.reason in allowed[one.kind], f"{one}")
    check(got[2].reason == 0, f"{got[2]}")
