"""5.0 only: maximum packet size, receive maximum and everything that is malformed by its properties. 3.1.2.11, 4.9."""
import packets
from client import Skip, check
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from suite import clause


@clause("MQTT-3.1.2-24", version=5)
def size_limit_of_client(t):
    """The client gets no packet above its maximum size; what just fits arrives."""
    limit, sender = 128, t.client()
    client = t.client(props=[("maximum_packet_size", limit)])
    client.subscribe((t.topic("x"), 1))
    overhead = 2 + 2 + len(t.topic("x")) + 2 + 1
    for size in (limit - overhead, limit - overhead + 1, limit, 1000):
        sender.publish(t.topic("x"), b"x" * size, 1)
    client.message(payload=b"x" * (limit - overhead))
    client.nothing()


@clause("MQTT-3.1.2-25", version=5)
def too_large_counts_as_sent(t):
    """A message that is too large counts as delivered: the next follows, others get it, nothing is left over."""
    small = [("maximum_packet_size", 128), ("receive_maximum", 1)]
    client, other = t.keeper(props=small), t.client()
    for one in (client, other):
        one.subscribe((t.topic("x"), 2))
    for qos in (1, 2):
        other.publish(t.topic("x"), b"x" * 500, qos)
        other.message(payload=b"x" * 500)
        other.publish(t.topic("x"), b"small", qos)
        other.message(payload=b"small")
        client.message(payload=b"small", qos=qos)
    client.disconnect()
    other.publish(t.topic("x"), b"x" * 500, 1)
    other.publish(t.topic("x"), b"later", 1)
    again = t.keeper(client.client_id, props=small)
    again.message(payload=b"later")
    again.nothing()


@clause("MQTT-4.13.1-1", version=5)
def size_limit_of_server(t):
    """A packet above the maximum size of the server ends the connection."""
    client = t.client()
    limit = client.connack.get("maximum_packet_size")
    if limit is None or limit > 1 << 22:
        raise Skip("the server names no maximum packet size below 4 MiB")
    overhead = len(packets.publish(5, t.topic("x"), b"x" * (limit - 100), 1, packet_id=1)) - (limit - 100)
    check(client.publish(t.topic("x"), b"x" * (limit - overhead), 1) < 0x80, "the largest packet was refused")
    client.send(packets.publish(5, t.topic("x"), b"x" * (limit - overhead + 1), 1, packet_id=2))
    client.closed(reasons={0x95})


@clause("MQTT-3.3.4-9", "MQTT-4.9.0-2", version=5)
def receive_maximum_of_client(t):
    """No more messages are in flight than the client allows; each acknowledgement lets one more through."""
    client, sender = t.client(props=[("receive_maximum", 2)]), t.client()
    client.subscribe((t.topic("x"), 2))
    for index in range(6):
        sender.publish(t.topic("x"), bytes([index]), 1 + index % 2)
    first, second = client.expect(PUBLISH, payload=b"\0"), client.expect(PUBLISH, payload=b"\1")
    client.nothing()
    client.acknowledge(PUBACK, first.packet_id)
    third = client.expect(PUBLISH, payload=b"\2")
    client.acknowledge(PUBREC, second.packet_id)
    client.expect(PUBREL, packet_id=second.packet_id)
    client.nothing()
    client.acknowledge(PUBCOMP, second.packet_id)
    fourth = client.expect(PUBLISH, payload=b"\3")
    client.nothing()
    client.acknowledge(PUBREC, fourth.packet_id, 0x80)
    client.expect(PUBLISH, payload=b"\4")
    client.nothing()
    client.acknowledge(PUBACK, third.packet_id)
    client.expect(PUBLISH, payload=b"\5")
    client.nothing()


@clause("MQTT-4.9.0-1", version=5)
def first_send_quota(t):
    """The server begins with a quota above zero and not above the receive maximum, also when it resumes a session."""
    client, sender = t.keeper(), t.client()
    client.subscribe((t.topic("x"), 1))
    client.disconnect()
    for index in range(5):
        sender.publish(t.topic("x"), bytes([index]), 1)
    for maximum in (1, 3):
        again = t.keeper(client.client_id, props=[("receive_maximum", maximum)])
        got = [again.expect(PUBLISH)] + again.drain()
        check(1 <= len(got) <= maximum, f"{len(got)} messages for {maximum}")
        again.drop()


@clause("MQTT-3.3.4-10", "MQTT-4.9.0-3", version=5)
def others_are_not_delayed(t):
    """With the quota used up all other packets are processed and answered, in both directions."""
    client, sender = t.client(props=[("receive_maximum", 1)]), t.client()
    client.subscribe((t.topic("x"), 2))
    for _ in range(2):
        sender.publish(t.topic("x"), b"1", 2)
    one = client.expect(PUBLISH)
    client.nothing()
    check(client.subscribe(t.topic("y")) == [0] and client.unsubscribe(t.topic("y")) == [0], "SUBSCRIBE")
    for qos in (1, 2):
        client.publish(t.topic("z"), b"1", qos)
    client.acknowledge(PUBREC, one.packet_id)
    client.expect(PUBREL, packet_id=one.packet_id)
    client.nothing()


@clause("MQTT-4.13.1-1", version=5)
def receive_maximum_of_server(t):
    """More messages in flight than the server allows end the connection."""
    client = t.client()
    maximum = client.connack.get("receive_maximum", 65535)
    if maximum > 5000:
        raise Skip("the server allows thousands in flight")
    for number in range(1, maximum + 1):
        client.send(packets.publish(5, t.topic("x"), b"", 2, packet_id=number))
    for number in range(1, maximum + 1):
        client.expect(PUBREC, packet_id=number)
    client.send(packets.publish(5, t.topic("x"), b"", 2, packet_id=maximum + 1))
    client.closed(reasons={0x93})


TWICE = {"session_expiry": 1, "receive_maximum": 5, "maximum_packet_size": 1000, "topic_alias_maximum": 1,
         "request_response": 1, "request_problem": 1, "authentication_method": "X", "authentication_data": b"x"}


@clause("MQTT-4.13.1-1", version=5)
def connect_properties(t):
    """Properties of CONNECT that are repeated, out of range, unknown or in the wrong packet are an error."""
    rows = [[(name, value)] * 2 for name, value in TWICE.items()]
    rows += [[("receive_maximum", 0)], [("maximum_packet_size", 0)], [("request_response", 2)],
             [("request_problem", 2)], [("authentication_data", b"x")], [("topic_alias", 1)], [("will_delay", 1)],
             [("reason_string", "x")], [("server_keep_alive", 1)], b"\x00", b"\x7f\x00", b"\x11\x00\x00",
             b"\x26\x00\x01a\x00\x09b"]
    for props in rows:
        try:
            t.send_connect(props=props).refused({0x81, 0x82, 0x8C, 0x87})
        except Exception as error:
            raise type(error)(f"{props}: {error}") from error


@clause("MQTT-4.13.1-1", version=5)
def publish_properties(t):
    """Properties of PUBLISH that are repeated, out of range, unknown or in the wrong packet are an error."""
    once = {"payload_format": 1, "message_expiry": 1, "topic_alias": 1, "response_topic": "a",
            "correlation_data": b"x", "content_type": "x"}
    rows = [[(name, value)] * 2 for name, value in once.items()]
    rows += [[("session_expiry", 1)], [("reason_string", "x")], [("receive_maximum", 1)],
             b"\x00", b"\x7f\x00", b"\x02\x00\x00", b"\x08\x00\x09a"]
    broken = [packets.packet(PUBLISH, packets.string(t.topic("x")) + tail)
              for tail in (b"", b"\x05", b"\x80", b"\xff\xff\xff\xff\x01", b"\x03\x01")]
    for data in [packets.publish(5, t.topic("x"), b"", 0, props=props) for props in rows] + broken:
        client = t.client()
        client.send(data)
        try:
            client.closed(reasons={0x81, 0x82, 0x94, 0x99})
        except Exception as error:
            raise type(error)(f"{data.hex(' ')}: {error}") from error


@clause("MQTT-4.13.1-1", version=5)
def properties_of_other_packets(t):
    """Properties of other packets that are repeated, unknown or in the wrong packet are an error."""
    name, text = t.topic("x"), ("reason_string", "x")
    rows = [packets.subscribe(5, 1, [(name, 0)], [("topic_alias", 1)]), packets.subscribe(5, 1, [(name, 0)], b"\x7f"),
            packets.unsubscribe(5, 1, [name], [("subscription_id", 1)]),
            packets.acknowledge(5, PUBREL, 1, 0, [text, text]),
            packets.acknowledge(5, PUBREL, 1, 0, [("will_delay", 1)]), packets.packet(PUBREL, b"\0\1\0\5"),
            packets.packet(PUBREL, b"\0"), packets.packet(packets.PINGREQ, b"\0")]
    for data in rows:
        client = t.client()
        client.send(data)
        try:
            client.closed(reasons={0x81, 0x82})
        except Exception as error:
            raise type(error)(f"{data.hex(' ')}: {error}") from error
