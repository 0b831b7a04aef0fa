"""5.0 only: the properties of messages. 3.3.2.3, 1.5.7, 4.3.3."""
import packets
from both_format import ILL_FORMED, all_closed
from client import Skip, check
from packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL
from suite import clause


def passed_on(t, props):
    """The properties a message has at a subscriber, after the store and live."""
    client, sender = t.client(), t.client()
    client.subscribe((t.topic("x"), 2))
    out = []
    for qos in (0, 1, 2):
        sender.publish(t.topic("x"), b"1", qos, props=props)
        out.append(client.message(qos=qos).props)
    sender.publish(t.topic("kept"), b"1", 1, retain=True, props=props)
    client.subscribe((t.topic("kept"), 1))
    out.append(client.message(retain=True).props)
    sender.publish(t.topic("kept"), b"", 1, retain=True)
    return out


def unaltered(t, *props):
    for got in passed_on(t, list(props)):
        check(got == list(props), f"{got}")


@clause("MQTT-1.5.7-1", version=5)
def user_property_is_utf8(t):
    """Name and value of a user property are well-formed UTF-8."""
    all_closed(t, [lambda v, pair=pair: packets.publish(v, t.topic("x"), b"", 0, props=[("user_property", pair)])
                   for pair in ((b"k\xff", b"v"), (b"k", b"v\xff"), (b"\0", b"v"), (b"k", b"\xed\xa0\x80"))])


@clause("MQTT-3.3.2-4", version=5)
def payload_format(t):
    """The payload format indicator is passed on as it is."""
    for value in (0, 1):
        got = passed_on(t, [("payload_format", value)])
        for props in got:
            check(props in ([("payload_format", value)], [] if value == 0 else None), f"{props}")


@clause("MQTT-3.3.2-15", version=5)
def response_topic(t):
    """The response topic is passed on as it is."""
    unaltered(t, ("response_topic", t.topic("answer/ü")))


@clause("MQTT-3.3.2-16", version=5)
def correlation_data(t):
    """The correlation data are passed on as they are."""
    unaltered(t, ("correlation_data", bytes(range(256))))


@clause("MQTT-3.3.2-20", version=5)
def content_type(t):
    """The content type is passed on as it is."""
    unaltered(t, ("content_type", "application/json; charset=ü"))


@clause("MQTT-3.3.2-17", "MQTT-3.3.2-18", version=5)
def user_properties(t):
    """User properties are passed on as they are, in their order, also with the same name."""
    unaltered(t, *[("user_property", pair) for pair in (("b", "1"), ("a", "2"), ("b", ""), ("", "x"), ("b", "1"))])


@clause("MQTT-3.3.2-13", version=5)
def response_topic_is_utf8(t):
    """The response topic is well-formed UTF-8."""
    all_closed(t, [lambda v, bad=bad: packets.publish(v, t.topic("x"), b"", 0, props=[("response_topic", bad)])
                   for bad in (*ILL_FORMED, b"a\0b")])


@clause("MQTT-3.3.2-14", version=5)
def response_topic_has_no_wildcard(t):
    """A response topic with a wildcard is an error."""
    watcher = t.client()
    watcher.subscribe(t.topic("x"))
    for bad in ("#", "a/+", "a/#", "+"):
        client = t.client()
        client.send(packets.publish(5, t.topic("x"), b"", 1, packet_id=1, props=[("response_topic", bad)]))
        out = client.receive()
        check(out is None or out.reason >= 0x80, f"{out}")
    watcher.nothing()


@clause("MQTT-3.3.2-19", version=5)
def content_type_is_utf8(t):
    """The content type is well-formed UTF-8."""
    all_closed(t, [lambda v, bad=bad: packets.publish(v, t.topic("x"), b"", 0, props=[("content_type", bad)])
                   for bad in (*ILL_FORMED, b"a\0b")])


def away(t):
    """The id of a client that is away, subscribed to topic x with QoS 2."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 2))
    client.disconnect()
    return client.client_id


@clause("MQTT-3.3.2-5", version=5)
def message_expires(t):
    """A message that waited longer than its expiry interval is not delivered, one without waits on."""
    name, sender = away(t), t.client()
    sender.publish(t.topic("x"), b"short", 1, props=[("message_expiry", 1)])
    sender.publish(t.topic("x"), b"long", 1, props=[("message_expiry", 100)])
    sender.publish(t.topic("kept"), b"short", 1, retain=True, props=[("message_expiry", 1)])
    sender.quiet(2.2)
    again = t.keeper(name)
    again.message(t.topic("x"), b"long")
    again.subscribe((t.topic("kept"), 1))
    again.nothing()


@clause("MQTT-3.3.2-6", version=5)
def expiry_counts_down(t):
    """The expiry interval of a message that waited is what is left of it."""
    client, name, sender = t.client(), away(t), t.client()
    client.subscribe((t.topic("x"), 1))
    sender.publish(t.topic("x"), b"1", 1, props=[("message_expiry", 100)])
    check(client.message().get("message_expiry") in (99, 100), "not the whole interval at once")
    sender.quiet(1.3)
    left = t.keeper(name).message().get("message_expiry")
    check(left is not None and 90 <= left <= 99, f"{left} of 100 s after 1.3 s")


@clause("MQTT-4.3.3-7", version=5)
def no_expiry_in_flight(t):
    """A message that was sent once does not expire: after a reconnect it comes again."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 2))
    t.client().publish(t.topic("x"), b"1", 2, props=[("message_expiry", 1)])
    number = client.expect(PUBLISH, qos=2).packet_id
    client.quiet(2.2)
    client.drop()
    again = t.keeper(client.client_id)
    again.message(payload=b"1", qos=2, dup=True, packet_id=number)


@clause("MQTT-4.3.3-13", version=5)
def qos2_goes_on_after_expiry(t):
    """The exchange of a QoS 2 message is completed although it has expired."""
    client = t.client()
    client.send(packets.publish(5, t.topic("x"), b"1", 2, packet_id=3, props=[("message_expiry", 1)]))
    client.expect(PUBREC, packet_id=3)
    client.quiet(1.6)
    client.acknowledge(PUBREL, 3)
    client.expect(PUBCOMP, packet_id=3)


# --- topic alias

def alias_client(t):
    """A client and how many aliases the server takes."""
    client = t.client()
    maximum = client.connack.get("topic_alias_maximum", 0)
    if not maximum:
        raise Skip("the server takes no topic aliases")
    return client, maximum


@clause("MQTT-3.3.2-12", version=5)
def aliases_are_taken(t):
    """Every alias up to the maximum of CONNACK stands for its topic, and may be given to another."""
    client, maximum = alias_client(t)
    watcher = t.client()
    watcher.subscribe((t.topic("#"), 1))
    chosen = sorted({1, 2, maximum // 2 or 1, max(1, maximum - 1), maximum} & set(range(1, maximum + 1)))
    for round_number in range(2):
        for alias in chosen:
            name = t.topic(f"{round_number}/{alias}")
            for topic in (name, ""):
                client.publish(topic, b"%d" % alias, 1, props=[("topic_alias", alias)])
                got = watcher.message(name, b"%d" % alias)
                check(got.get("topic_alias") is None, "the alias was passed on")


@clause("MQTT-3.3.2-7", version=5)
def aliases_end_with_the_connection(t):
    """An alias of an earlier connection means nothing on the next one of the same session."""
    client, _ = alias_client(t)
    client.disconnect()
    watcher, client = t.client(), t.keeper(client.client_id)
    watcher.subscribe((t.topic("x"), 1))
    client.publish(t.topic("x"), b"1", 1, props=[("topic_alias", 1)])
    watcher.message(t.topic("x"), b"1")
    client.drop()
    again = t.keeper(client.client_id)
    again.send(packets.publish(5, "", b"2", 1, packet_id=1, props=[("topic_alias", 1)]))
    again.closed(reasons={0x81, 0x82, 0x94})
    watcher.nothing()


@clause("MQTT-3.3.2-8", version=5)
def alias_zero(t):
    """There is no alias 0, from neither side."""
    client = t.client()
    client.send(packets.publish(5, t.topic("x"), b"", 0, props=[("topic_alias", 0)]))
    client.closed(reasons={0x81, 0x82, 0x94})
    client = t.client(props=[("topic_alias_maximum", 3)])
    client.subscribe((t.topic("#"), 1))
    for index in range(6):
        client.publish(t.topic(str(index)), b"", 1)
        check(client.message().get("topic_alias", 1) != 0, "alias 0")


@clause("MQTT-4.13.1-1", version=5)
def alias_too_high(t):
    """An alias above the maximum of the server is an error."""
    client = t.client()
    maximum = client.connack.get("topic_alias_maximum", 0)
    if maximum == 0xFFFF:
        raise Skip("every alias is allowed")
    client.send(packets.publish(5, t.topic("x"), b"", 0, props=[("topic_alias", maximum + 1)]))
    client.closed(reasons={0x81, 0x82, 0x94})


@clause("MQTT-4.13.1-1", version=5)
def alias_unknown(t):
    """An alias that was never given a topic is an error."""
    client, maximum = alias_client(t)
    client.send(packets.publish(5, "", b"", 0, props=[("topic_alias", maximum)]))
    client.closed(reasons={0x81, 0x82, 0x94})


def aliases_of_server(t, maximum):
    """Receives repeated messages on three topics with so many aliases allowed; returns those the server used."""
    props = [] if maximum is None else [("topic_alias_maximum", maximum)]
    client, used, topics = t.client(props=props), [], {}
    client.subscribe((t.topic("#"), 1))
    for index in range(9):
        name = t.topic(f"some/longer/topic/name/{index % 3}")
        client.publish(name, b"%d" % index, 1)
        got = client.expect(PUBLISH, payload=b"%d" % index)
        client.acknowledge(PUBACK, got.packet_id)
        alias = got.get("topic_alias")
        if alias is not None:
            used.append(alias)
            if got.topic:
                topics[alias] = got.topic
        check((got.topic or topics.get(alias)) == name, f"{got} for {name}")
    return used


@clause("MQTT-3.1.2-26", "MQTT-3.3.2-11", version=5)
def servers_aliases(t):
    """Aliases of the server are not above the maximum of the client and stand for the right topics."""
    for maximum in (1, 2, 100):
        used = aliases_of_server(t, maximum)
        check(not used or max(used) <= maximum, f"{used} for at most {maximum}")


@clause("MQTT-3.1.2-27", version=5)
def no_aliases_unasked(t):
    """A client that allows no aliases gets none."""
    for maximum in (None, 0):
        check(not aliases_of_server(t, maximum), "an alias was used")
