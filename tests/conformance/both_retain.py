"""Retained messages: 3.3.1.3."""
from client import check
from packets import PUBLISH
from suite import both, clause


def later(t, topic, qos=2, options=0):
    """The messages that someone who subscribes now gets at once."""
    client = t.client()
    client.subscribe((topic, qos | options))
    out = [one for one in client.drain() if one.kind == PUBLISH]
    client.drop()
    return out


def clear(t, *names):
    client = t.client()
    for name in names:
        client.publish(t.topic(name), b"", 1, retain=True)


@both("MQTT-3.3.1-5")
def retained_is_stored(t):
    """A retained message is kept with its QoS, one for each topic: the last."""
    sender = t.client()
    for qos in (0, 1, 2):
        sender.publish(t.topic(str(qos)), b"old", 1, retain=True)
        sender.publish(t.topic(str(qos)), b"new", qos, retain=True)
    got = {one.topic: one for one in later(t, t.topic("+"))}
    for qos in (1, 2):
        one = got.get(t.topic(str(qos)))
        check(one is not None and one.qos == qos and one.payload == b"new", f"{one}")
    clear(t, "0", "1", "2")


@clause("MQTT-3.3.1-6", version=4)
@clause("MQTT-3.3.1-9", version=5)
def new_subscription_gets_retained(t):
    """A new subscription gets the last retained message of every topic that matches."""
    sender = t.client()
    for name in ("a", "a/b", "c"):
        sender.publish(t.topic(name), name.encode(), 1, retain=True)
    check(sorted(one.payload for one in later(t, t.topic("#"))) == [b"a", b"a/b", b"c"], "for #")
    check([one.payload for one in later(t, t.topic("a/#"))].count(b"a/b") == 1, "for a/#")
    check([one.payload for one in later(t, t.topic("c"))] == [b"c"], "for c")
    check(not later(t, t.topic("d")), "for d")
    clear(t, "a", "a/b", "c")


@clause("MQTT-3.3.1-7", version=4)
@clause("MQTT-3.3.1-5", version=5)
def qos0_replaces_retained(t):
    """A retained QoS 0 message takes the place of the one before."""
    sender = t.client()
    sender.publish(t.topic("x"), b"old", 1, retain=True)
    sender.publish(t.topic("x"), b"new", 0, retain=True)
    got = later(t, t.topic("x"))
    check(not got or [one.payload for one in got] == [b"new"], f"{[one.payload for one in got]}")
    clear(t, "x")


@clause("MQTT-3.3.1-8", version=4)
@clause("MQTT-3.3.1-9", version=5)
def retain_flag_on_subscription(t):
    """What a new subscription gets from the store has the retain flag."""
    t.client().publish(t.topic("x"), b"1", 1, retain=True)
    got = later(t, t.topic("x"))
    check(len(got) == 1 and got[0].retain, f"{[str(one) for one in got]}")
    clear(t, "x")


@clause("MQTT-3.3.1-9", version=4)
@clause("MQTT-3.3.1-12", version=5)
def retain_flag_on_established_subscription(t):
    """An established subscription gets messages without the retain flag."""
    client = t.client()
    client.subscribe((t.topic("x"), 1))
    for retain in (True, False):
        client.publish(t.topic("x"), b"1", 1, retain=retain)
        client.message(retain=False)
    clear(t, "x")


@clause("MQTT-3.3.1-10", version=4)
@clause("MQTT-3.3.1-6", version=5)
def empty_message_clears(t):
    """A retained message without payload is delivered like others and removes what was retained."""
    client = t.client()
    client.publish(t.topic("x"), b"1", 1, retain=True)
    client.subscribe((t.topic("x"), 1))
    client.message(payload=b"1", retain=True)
    client.publish(t.topic("x"), b"", 1, retain=True)
    client.message(payload=b"", retain=False)
    check(not later(t, t.topic("x")), "still retained")


@clause("MQTT-3.3.1-11", version=4)
@clause("MQTT-3.3.1-7", version=5)
def empty_message_is_not_retained(t):
    """A message without payload is never retained."""
    sender = t.client()
    for qos in (0, 1, 2):
        sender.publish(t.topic("x"), b"", qos, retain=True)
        check(not later(t, t.topic("x")), f"QoS {qos} was retained")


@clause("MQTT-3.3.1-12", version=4)
@clause("MQTT-3.3.1-8", version=5)
def ordinary_message_changes_nothing(t):
    """A message without the retain flag is not retained and neither replaces nor removes what is."""
    sender = t.client()
    sender.publish(t.topic("y"), b"1", 1)
    check(not later(t, t.topic("y")), "retained without the flag")
    sender.publish(t.topic("x"), b"kept", 1, retain=True)
    for payload in (b"other", b""):
        sender.publish(t.topic("x"), payload, 1)
    got = later(t, t.topic("x"))
    check([one.payload for one in got] == [b"kept"], f"{[one.payload for one in got]}")
    clear(t, "x")


@clause("MQTT-3.8.4-3", version=4)
@clause("MQTT-3.8.4-4", version=5)
def retained_again(t):
    """Subscribing again to the same filter brings the retained messages again."""
    client = t.client()
    client.publish(t.topic("x"), b"1", 1, retain=True)
    for _ in range(2):
        client.subscribe((t.topic("x"), 1))
        client.message(payload=b"1", retain=True)
    client.nothing()
    clear(t, "x")
