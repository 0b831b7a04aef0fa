"""Section 3.1: CONNECT, what it must contain and what a server does with one that is wrong."""
import time

import packets
from both_format import ILL_FORMED
from client import Skip, check
from packets import CONNACK, PINGREQ
from suite import both, clause

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def refused(t, client, reasons=(0x80, 0x81, 0x82)):
    """A CONNECT that breaks its format: 3.1.1 closes silently, 5.0 may say why."""
    last = client.refused(reasons)
    check(t.version == 5 or last is None, f"{last} instead of a silent close [MQTT-3.1.4-1]")


@both("MQTT-3.1.0-1")
def connect_comes_first(t):
    """Any other packet before CONNECT ends the connection, without an answer."""
    for data in (packets.packet(PINGREQ), packets.publish(t.version, t.topic("x")), packets.disconnect(t.version),
                 packets.subscribe(t.version, 1, [(t.topic("x"), 0)])):
        client = t.raw()
        client.send(data)
        check(client.closed() is None, "a DISCONNECT came before any CONNACK")


@both("MQTT-3.1.0-2")
def second_connect(t):
    """A second CONNECT on a connection is a protocol error."""
    client = t.client()
    t.send_connect(client)
    client.closed(reasons={0x82})


@both("MQTT-3.1.2-1")
def protocol_name(t):
    """CONNECT with another protocol name is not served."""
    for name in ("MQTX", "mqtt", "MQTTT", ""):
        t.send_connect(name=name).refused({1, 0x81, 0x82, 0x84})


@clause("MQTT-3.1.2-2", "MQTT-3.2.2-4", "MQTT-3.2.2-5", version=4)
def protocol_level(t):
    """A level that is not supported gets return code 1, without session present, and then the connection ends."""
    last = t.send_connect(level=2).refused({1})
    check(last is not None, "no CONNACK with return code 1")


@clause("MQTT-3.1.2-2", version=5)
def protocol_version(t):
    """A version that is not supported is refused; if the server says why, then with 0x84 or the 0x01 of 3.1.1."""
    for level in (0, 2, 6, 255):
        client = t.send_connect(level=level)
        until = time.monotonic() + 8
        while client.fill(until):
            pass
        data = client.input
        check(not data or data[0] == 0x20 and data[3:4] in (b"\x84", b"\x01"), f"level {level}: {data.hex(' ')}")


@both("MQTT-3.1.2-3")
def reserved_connect_flag(t):
    """The reserved bit of the connect flags must be zero."""
    refused(t, t.send_connect(flags=3 | t.login_flags()))


@both("MQTT-3.1.2-9")
def will_fields_missing(t):
    """With the will flag set the fields of the will must be there."""
    client = t.raw()
    none = b"\0" if t.version == 5 else b""
    for payload in (b"", none, none + packets.string(t.topic("w"))):
        client = t.raw()
        t.send_connect(client, flags=6, user=None, password=None, payload=packets.string(client.client_id) + payload)
        refused(t, client)


@clause("MQTT-3.1.2-11", "MQTT-3.1.2-13", version=4)
@clause("MQTT-3.1.2-11", version=5)
def will_qos_without_will(t):
    """Without a will its QoS must be zero."""
    for qos in (1, 2, 3):
        refused(t, t.send_connect(flags=2 | qos << 3 | t.login_flags()))


@clause("MQTT-3.1.2-11", "MQTT-3.1.2-15", version=4)
@clause("MQTT-3.1.2-13", version=5)
def will_retain_without_will(t):
    """Without a will its retain flag must be zero."""
    refused(t, t.send_connect(flags=0x22 | t.login_flags()))


@clause("MQTT-3.1.2-14", version=4)
@clause("MQTT-3.1.2-12", version=5)
def will_qos_three(t):
    """There is no QoS 3 for a will; 0, 1 and 2 are accepted."""
    refused(t, t.send_connect(will=(t.topic("w"), b"", 3, False)))
    for qos in (0, 1, 2):
        t.client(will=(t.topic("w"), b"", qos, False)).disconnect()


def with_fields(t, flags, *fields):
    """A CONNECT with these flags whose payload is the client id and the fields."""
    client = t.raw()
    payload = packets.string(client.client_id) + b"".join(fields)
    return t.send_connect(client, flags=flags, payload=payload)


@clause("MQTT-3.1.2-18", version=4)
@clause("MQTT-3.1.2-16", version=5)
def user_name_without_flag(t):
    """A user name that its flag does not announce makes CONNECT malformed."""
    refused(t, with_fields(t, 2, packets.string("user")))


@clause("MQTT-3.1.2-19", version=4)
@clause("MQTT-3.1.2-17", version=5)
def user_name_missing(t):
    """A user name that is announced must be there."""
    refused(t, with_fields(t, 0x82))


@clause("MQTT-3.1.2-20", version=4)
@clause("MQTT-3.1.2-18", version=5)
def password_without_flag(t):
    """A password that its flag does not announce makes CONNECT malformed."""
    refused(t, with_fields(t, 0x82, packets.string("user"), packets.string("password")))


@clause("MQTT-3.1.2-21", version=4)
@clause("MQTT-3.1.2-19", version=5)
def password_missing(t):
    """A password that is announced must be there."""
    refused(t, with_fields(t, 0xC2, packets.string("user")))


@clause("MQTT-3.1.2-22", version=4)
def password_without_user(t):
    """In 3.1.1 there is no password without a user name."""
    refused(t, with_fields(t, 0x42, packets.string("password")))


@both("MQTT-3.1.3-1")
def order_of_fields(t):
    """Client id, will, user name and password are taken in this order."""
    watcher = t.client()
    watcher.subscribe((t.topic("will"), 1))
    login = {} if t.server.user is not None else {"user": "u", "password": b"p"}
    client = t.client(will=(t.topic("will"), b"last words", 1, False), **login)
    client.drop()
    watcher.message(t.topic("will"), b"last words", qos=1)


@both("MQTT-3.1.3-2")
def client_id_names_the_session(t):
    """The session is found by the client id and by nothing else."""
    one, other = t.keeper(), t.keeper()
    one.subscribe((t.topic("one"), 1))
    other.subscribe((t.topic("other"), 1))
    for client in (one, other):
        client.disconnect()
    sender = t.client()
    sender.publish(t.topic("one"), b"1", 1)
    sender.publish(t.topic("other"), b"2", 1)
    again = t.keeper(other.client_id)
    again.message(t.topic("other"), b"2")
    again.nothing()
    t.keeper(one.client_id).message(t.topic("one"), b"1")


@both("MQTT-3.1.3-3")
def client_id_missing(t):
    """A CONNECT without the client id is malformed."""
    refused(t, t.send_connect(flags=2, user=None, password=None, payload=b""))


@both("MQTT-3.1.3-4")
def client_id_is_utf8(t):
    """The client id must be well-formed UTF-8."""
    for bad in ILL_FORMED:
        t.send_connect(client_id=b"c" + bad).refused({2, 0x81, 0x82, 0x85})


@both("MQTT-3.1.3-5")
def ordinary_client_ids(t):
    """Client ids of 1 to 23 letters and digits are accepted."""
    single = {4: "a", 5: "b"}[t.version]
    for name in (single, LETTERS[:23], LETTERS[23:46], LETTERS[39:], single * 23):
        t.client(name if name == single else name[:-1] + str(t.version)).disconnect()


@both("MQTT-3.1.3-6")
def empty_client_id(t):
    """Clients without an id, if they are allowed, are different clients with a session each."""
    clients = [t.send_connect(client_id="") for _ in range(2)]
    answers = [client.receive() for client in clients]
    if answers[0] is None or answers[0].reason != 0:
        raise Skip("the server assigns no client ids")
    for client, name in zip(clients, "xy"):
        client.subscribe(t.topic(name))
    clients[0].publish(t.topic("y"), b"1", 1)
    clients[0].nothing()
    clients[1].message(t.topic("y"), b"1")


@clause("MQTT-3.1.3-8", "MQTT-3.1.3-9", version=4)
def empty_client_id_with_session(t):
    """An empty client id with clean session 0 gets return code 2, then the connection ends."""
    last = t.send_connect(client_id="", clean=False).refused({2})
    check(last is not None, "no CONNACK with return code 2")


@clause("MQTT-3.1.3-10", version=4)
@clause("MQTT-3.1.3-11", version=5)
def will_topic_is_utf8(t):
    """The will topic must be well-formed UTF-8."""
    for bad in ILL_FORMED:
        t.send_connect(will=(t.topic("w").encode() + bad, b"", 0, False)).refused({0x81, 0x82, 0x90})


@clause("MQTT-3.1.3-11", version=4)
@clause("MQTT-3.1.3-12", version=5)
def user_name_is_utf8(t):
    """The user name must be well-formed UTF-8."""
    for bad in (ILL_FORMED[3], ILL_FORMED[-1]):
        t.send_connect(user=b"user" + bad, password=b"p").refused({4, 5, 0x81, 0x82, 0x86})


@both("MQTT-3.1.4-1")
def malformed_connect(t):
    """A CONNECT that is cut off, too long or contradicts itself is not accepted."""
    client = t.raw()
    whole = t.connect_bytes(client)
    body = whole[2:]
    for bad in (body[:3], body[:8], body[:9], body[:-1], body + b"\0", body + packets.string("more")):
        client = t.raw()
        client.send(packets.packet(packets.CONNECT, bad))
        refused(t, client)
    client = t.raw()
    client.send(packets.packet(packets.CONNECT, body, 1))
    refused(t, client)


@clause("MQTT-3.1.4-2", version=4)
@clause("MQTT-3.1.4-3", version=5)
def session_is_taken_over(t):
    """A second connection with the same client id ends the first; 5.0 tells it why."""
    first = t.client()
    second = t.client(first.client_id)
    last = first.closed(reasons={0x8E})
    check(t.version == 4 or last is not None, "no DISCONNECT with 0x8E")
    second.nothing()


@clause("MQTT-3.1.4-3", version=4)
@clause("MQTT-3.1.4-4", version=5)
def clean_flag_is_processed(t):
    """A clean start ends the session that is there, another start resumes it."""
    client = t.keeper()
    client.subscribe((t.topic("x"), 1))
    client.disconnect()
    check(t.keeper(client.client_id).connack.session_present, "the session was not resumed")
    cleaned = t.keeper(client.client_id, clean=True)
    check(not cleaned.connack.session_present, "session present after a clean start")
    t.client().publish(t.topic("x"), b"1", 1)
    cleaned.nothing()


@clause("MQTT-3.1.4-4", version=4)
@clause("MQTT-3.1.4-5", version=5)
def connect_is_acknowledged(t):
    """A valid CONNECT is answered by CONNACK with code 0."""
    t.send_connect().expect(CONNACK, reason=0)


@clause("MQTT-3.1.4-5", version=4)
@clause("MQTT-3.1.4-6", version=5)
def nothing_after_a_refusal(t):
    """What follows a CONNECT that is refused is not processed."""
    watcher = t.client()
    watcher.subscribe(t.topic("x"))
    client = t.raw()
    client.send(t.connect_bytes(client, flags=3 | t.login_flags()) + packets.publish(t.version, t.topic("x"), b"no"))
    client.refused()
    watcher.nothing()


@clause("MQTT-3.1.2-24", version=4)
@clause("MQTT-3.1.2-22", "MQTT-3.2.2-22", version=5)
def keep_alive(t):
    """A client that is silent for one and a half times its keep alive is dropped as if the network had failed."""
    watcher = t.client()
    watcher.subscribe((t.topic("will"), 1))
    client = t.client(keep_alive=1, will=(t.topic("will"), b"dead", 1, False))
    if client.connack.get("server_keep_alive", 1) != 1:
        raise Skip("the server chose another keep alive")
    for _ in range(3):
        client.quiet(0.7)
        client.nothing()
    start = time.monotonic()
    client.closed(reasons={0x8D})
    took = time.monotonic() - start
    check(1.0 <= took <= 4.0, f"closed after {took:.2f} s")
    watcher.message(t.topic("will"), b"dead")
