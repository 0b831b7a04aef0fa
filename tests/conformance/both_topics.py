"""Topic names and topic filters: 4.7."""
import packets
from client import check
from packets import SUBACK
from suite import both, clause


def filter_is_refused(t, text):
    """A bad filter ends the connection or gets a failure code; nothing is subscribed."""
    client = t.client()
    client.send(packets.subscribe(t.version, 1, [(text, 0)]))
    out = client.receive()
    if out is not None and out.kind == SUBACK:
        check(len(out.reasons) == 1 and out.reasons[0] >= 0x80, f"{text!r}: {out}")
        check(t.version == 4 or out.reasons[0] == 0x8F, f"{text!r}: {out}")
        client.nothing()
        return
    check(out is None or out.kind == packets.DISCONNECT, f"{text!r}: {out}")


@clause("MQTT-4.7.1-2", version=4)
@clause("MQTT-4.7.1-1", version=5)
def multi_level_wildcard(t):
    """# stands alone or after a separator, and at the end; it matches the level above as well."""
    for text in ("a#", "a/#/b", "#/a", "##", "a/b#", "#b"):
        filter_is_refused(t, t.topic(text))
    client = t.client()
    client.subscribe(t.topic("a/#"))
    for name in ("a", "a/b", "a/b/c", "a/", "ab", "b/a"):
        client.publish(t.topic(name), name.encode(), 1)
    for name in ("a", "a/b", "a/b/c", "a/"):
        client.message(t.topic(name), name.encode())
    client.nothing()


@clause("MQTT-4.7.1-3", version=4)
@clause("MQTT-4.7.1-2", version=5)
def single_level_wildcard(t):
    """+ takes a whole level, wherever it stands."""
    for text in ("a+", "+a", "a/+b/c", "a/b+", "++", "a/+#"):
        filter_is_refused(t, t.topic(text))
    client = t.client()
    client.subscribe(t.topic("+/b/+"))
    for name in ("a/b/c", "/b/", "a/b", "a/b/c/d", "b/b/c", "a/c/b"):
        client.publish(t.topic(name), name.encode(), 1)
    for name in ("a/b/c", "/b/", "b/b/c"):
        client.message(t.topic(name), name.encode())
    client.nothing()


@both("MQTT-4.7.2-1")
def dollar_topics(t):
    """A filter that begins with a wildcard does not match topics that begin with $."""
    client, sender = t.client(), t.client()
    tail = t.topic("x").partition("/")[2]
    client.subscribe("#", f"+/{tail}", "+/#")
    sender.publish(f"$conf/{tail}", b"no", 1)
    sender.publish(f"conf/{tail}", b"yes", 1)
    got = [one for one in client.drain() if one.topic]
    check(not [one for one in got if one.topic.startswith("$")], "a topic with $ was delivered")
    check([one for one in got if one.topic == f"conf/{tail}"], "the ordinary topic was not delivered")


@both("MQTT-4.7.3-1")
def empty_topics(t):
    """Topic names and filters have at least one character."""
    filter_is_refused(t, "")
    client = t.client()
    client.send(packets.publish(t.version, "", b"1", 1, packet_id=1))
    out = client.receive()
    accepted = t.version == 5 and out is not None and out.kind == packets.PUBACK and out.reason == 0x90
    check(out is None or out.kind == packets.DISCONNECT or accepted, f"{out}")


@both("MQTT-4.7.3-2")
def null_in_topics(t):
    """Topic names and filters do not contain U+0000."""
    for data in (packets.publish(t.version, t.topic("a\0b"), b"1"), packets.publish(t.version, "\0", b"1"),
                 packets.subscribe(t.version, 1, [(t.topic("a\0b"), 0)]),
                 packets.unsubscribe(t.version, 1, [t.topic("\0")])):
        client = t.client()
        client.send(data)
        client.closed()


@both("MQTT-4.7.3-4")
def no_normalization(t):
    """Topics are compared as they are: case, spaces, empty levels and combining characters make a difference."""
    names = ["a/B", "a/b", "a//b", "/a/b", "a/b/", " a/b", "a/ b", "a/./b", "a/../b", "é", "e\u0301", "\uff41/b",
             "a/b\u200d"]
    client, sender = t.client(), t.client()
    client.subscribe(*[t.topic(name) for name in names])
    for name in names:
        sender.publish(t.topic(name), name.encode(), 1)
        client.message(t.topic(name), name.encode())
    client.nothing()
    only = t.client()
    only.subscribe(t.topic("a/b"), t.topic("é"))
    for name in names:
        sender.publish(t.topic(name), name.encode(), 1)
    only.message(t.topic("a/b"))
    only.message(t.topic("é"))
    only.nothing()


@clause("MQTT-4.7.3-4", version=4)
@clause("MQTT-4.7.3-4", version=5)
def prefix_is_not_a_match(t):
    """A topic that only begins like the filter, or the other way round, does not match."""
    client, sender = t.client(), t.client()
    client.subscribe(t.topic("abc"), t.topic("abc/def"))
    for name in ("ab", "abcd", "abc/", "abc/de", "abc/deff", "xabc"):
        sender.publish(t.topic(name), b"1", 1)
    client.nothing()
