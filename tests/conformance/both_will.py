"""The will: 3.1.2.5 to 3.1.2.7 and 3.14.4."""
import packets
from client import check
from packets import PUBLISH
from suite import both, clause


def watch(t, name="will", qos=2):
    watcher = t.client()
    watcher.subscribe((t.topic(name), qos))
    return watcher


@clause("MQTT-3.1.2-8", version=4)
@clause("MQTT-3.1.2-7", "MQTT-3.1.2-8", version=5)
def will_is_published(t):
    """The will is sent when the connection ends without DISCONNECT, at its own QoS."""
    watcher = watch(t)
    for qos in (0, 1, 2):
        t.client(will=(t.topic("will"), b"gone", qos, False)).drop()
        watcher.message(t.topic("will"), b"gone", qos=qos, retain=False)
    watcher.nothing()


@clause("MQTT-3.1.2-8", version=4)
@clause("MQTT-3.1.2-8", version=5)
def will_after_an_error(t):
    """The will is sent when the server ends the connection because of an error."""
    watcher = watch(t)
    client = t.client(will=(t.topic("will"), b"gone", 1, False))
    client.send(bytes([packets.SUBSCRIBE << 4, 0]))
    client.closed()
    watcher.message(t.topic("will"), b"gone")


@clause("MQTT-3.1.2-10", "MQTT-3.14.4-3", version=4)
@clause("MQTT-3.1.2-10", "MQTT-3.14.4-3", version=5)
def will_is_discarded(t):
    """After DISCONNECT the will is not sent, and one that was sent is not sent again."""
    watcher = watch(t)
    client = t.client(will=(t.topic("will"), b"gone", 1, False))
    client.disconnect()
    watcher.nothing()
    t.client(client.client_id).drop()
    watcher.nothing()
    client = t.keeper(will=(t.topic("will"), b"once", 1, False))
    client.drop()
    watcher.message(t.topic("will"), b"once")
    t.keeper(client.client_id).drop()
    t.client(client.client_id).disconnect()
    watcher.nothing()


@both("MQTT-3.1.2-12")
def no_will(t):
    """Without a will flag nothing is sent when the connection ends, whatever it was before."""
    watcher = watch(t)
    client = t.client(will=(t.topic("will"), b"gone", 0, False))
    client.disconnect()
    t.client(client.client_id).drop()
    t.client(client.client_id).disconnect()
    watcher.nothing()


def later(t, topic):
    """What someone who subscribes now gets at once."""
    client = t.client()
    client.subscribe((topic, 2))
    return [one for one in client.drain() if one.kind == PUBLISH]


@clause("MQTT-3.1.2-16", version=4)
@clause("MQTT-3.1.2-14", version=5)
def will_is_not_retained(t):
    """Without will retain the will is an ordinary message."""
    watcher = watch(t)
    t.client(will=(t.topic("will"), b"gone", 1, False)).drop()
    watcher.message(t.topic("will"), b"gone", retain=False)
    check(not later(t, t.topic("will")), "the will was retained")


@clause("MQTT-3.1.2-17", version=4)
@clause("MQTT-3.1.2-15", version=5)
def will_is_retained(t):
    """With will retain the will is a retained message."""
    watcher = watch(t)
    t.client(will=(t.topic("will"), b"gone", 1, True)).drop()
    watcher.message(t.topic("will"), b"gone", retain=False)
    got = later(t, t.topic("will"))
    check(len(got) == 1 and got[0].retain and got[0].payload == b"gone", f"{len(got)} messages")
    watcher.publish(t.topic("will"), b"", 1, retain=True)


@clause("MQTT-3.1.2-8", version=4)
@clause("MQTT-3.1.2-8", version=5)
def will_after_take_over(t):
    """A connection that is taken over by a clean one ends its session: its will is sent."""
    watcher = watch(t)
    client = t.client(will=(t.topic("will"), b"gone", 1, False))
    t.client(client.client_id)
    watcher.message(t.topic("will"), b"gone")


@clause("MQTT-3.1.2-8", version=5)
def will_on_request(t):
    """DISCONNECT with 0x04, or with an error, has the will sent."""
    watcher = watch(t)
    for reason in (0x04, 0x80):
        t.client(will=(t.topic("will"), bytes([reason]), 1, False)).disconnect(reason)
        watcher.message(t.topic("will"), bytes([reason]))


@clause("MQTT-3.1.2-8", version=5)
def will_delay(t):
    """The will waits for its delay and is then sent."""
    watcher = watch(t)
    t.client(expiry=60, will=(t.topic("will"), b"late", 1, False, [("will_delay", 1)])).drop()
    watcher.quiet(0.7)
    watcher.message(t.topic("will"), b"late")


@clause("MQTT-3.1.3-9", version=5)
def reconnect_within_the_delay(t):
    """A client that is back before the delay has passed has no will sent."""
    watcher = watch(t)
    client = t.client(expiry=60, will=(t.topic("will"), b"late", 1, False, [("will_delay", 2)]))
    client.drop()
    again = t.client(client.client_id, clean=False, expiry=60)
    check(again.connack.session_present, "no session present")
    watcher.quiet(2.8)
    watcher.nothing()


@clause("MQTT-3.1.2-8", version=5)
def session_end_before_the_delay(t):
    """A session that ends before the delay has passed has its will sent then."""
    watcher = watch(t)
    t.client(will=(t.topic("will"), b"end", 1, False, [("will_delay", 60)])).drop()
    watcher.message(t.topic("will"), b"end")
    client = t.client(expiry=60, will=(t.topic("will"), b"end", 1, False, [("will_delay", 60)]))
    client.drop()
    t.client(client.client_id)
    watcher.message(t.topic("will"), b"end")


@clause("MQTT-3.1.3-10", version=5)
def will_properties(t):
    """The will is sent with its properties, the user properties in their order."""
    watcher = watch(t)
    user = [("user_property", pair) for pair in (("b", "1"), ("a", "2"), ("b", "3"))]
    rest = [("payload_format", 1), ("content_type", "text/plain"), ("response_topic", t.topic("answer")),
            ("correlation_data", b"\0\1")]
    t.client(will=(t.topic("will"), b"gone", 1, False, [*rest, *user])).drop()
    got = watcher.message(t.topic("will"), b"gone")
    check([one for one in got.props if one[0] == "user_property"] == user, f"{got.props}")
    check(sorted(rest, key=str) == sorted((one for one in got.props if one[0] != "user_property"), key=str),
          f"{got.props}")


@clause("MQTT-3.1.2-9", version=5)
def will_properties_are_checked(t):
    """Properties that a will must not have, or has twice, make CONNECT malformed."""
    for props in ([("topic_alias", 1)], [("will_delay", 1)] * 2, [("session_expiry", 1)]):
        t.send_connect(will=(t.topic("will"), b"", 0, False, props)).refused({0x81, 0x82})


@clause("MQTT-3.2.2-12", version=5)
def will_qos_and_capability(t):
    """A will above the maximum QoS of the server is refused, others are accepted."""
    maximum = t.client().connack.get("maximum_qos", 2)
    for qos in (0, 1, 2):
        client = t.send_connect(will=(t.topic("will"), b"", qos, False))
        if qos <= maximum:
            client.expect(packets.CONNACK, reason=0)
            client.disconnect()
        else:
            client.refused({0x9B})


@clause("MQTT-3.2.2-13", version=5)
def will_retain_and_capability(t):
    """A retained will is refused by a server without retained messages, else accepted."""
    available = t.client().connack.get("retain_available", 1)
    client = t.send_connect(will=(t.topic("will"), b"x", 0, True))
    if not available:
        client.refused({0x9A})
        return
    client.expect(packets.CONNACK, reason=0)
    client.disconnect()
