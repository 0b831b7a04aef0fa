#!/usr/bin/python3
"""Clients of an MQTT server that go to its limits and beyond, for the system tests.

usage: limits_client.py PORT USER PASSWORD SCENARIO [ARGUMENTS]
Each scenario checks what the protocol tells (reason codes, what arrives) and ends with 1 and a reason when it is not
as it must be; some print numbers for the caller.
"""
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "conformance"))
import packets  # noqa: E402
from client import Client, Failed, check  # noqa: E402
from packets import CONNACK, PUBACK, PUBLISH  # noqa: E402

QUOTA_EXCEEDED = 0x97
WINDOW = 32  # QoS 1 messages on their way at once

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()


def dial(client_id, version=5):
    return Client(("127.0.0.1", port), version, client_id)


def connected(client_id, version=5, clean=True, props=()):
    client = dial(client_id, version)
    client.send(packets.connect(version, client_id, clean=clean, user=user, password=password, props=props))
    client.connack = client.expect(CONNACK, reason=0)
    return client


def persistent(client_id, version=5):
    return connected(client_id, version, False, [("session_expiry", 600)] if version == 5 else ())


def publish_many(client, messages, retain=False):
    """(topic, payload) with QoS 1, some at once; the reason codes in order."""
    reasons, sent = [], 0
    messages = list(messages)
    while len(reasons) < len(messages):
        while sent < len(messages) and sent - len(reasons) < WINDOW:
            topic, payload = messages[sent]
            sent += 1
            client.send(packets.publish(client.version, topic, payload, 1, retain, packet_id=sent))
        reasons.append(client.expect(PUBACK, seconds=30, packet_id=len(reasons) + 1).reason)
    return reasons


def receive_all(client, count):
    """That many messages, each acknowledged; and no more than those."""
    out = [client.message(seconds=30) for _ in range(count)]
    client.nothing()
    return out


# --- scenarios

def retained(limit, prefix):
    """Fills the retained topics up to the limit, one more, a replacement, one less and a new one, and reads them."""
    limit = int(limit)
    topics = [f"{prefix}/{number}" for number in range(limit)]
    client = connected("keeper")
    reasons = publish_many(client, ((topic, b"1") for topic in topics), True)
    check(all(reason < 0x80 for reason in reasons), "refused below the limit")
    check(client.publish(f"{prefix}/more", b"1", 1, True) == QUOTA_EXCEEDED, "one more was not refused")
    check(client.publish(f"{prefix}/more", b"1", 2, True) == QUOTA_EXCEEDED, "one more of QoS 2 was not refused")
    check(client.publish(f"{prefix}/more", b"1", 1, False) < 0x80, "one that is not kept was refused")
    check(client.publish(topics[0], b"2", 1, True) < 0x80, "a replacement was refused")
    old = connected("old", 4)
    old.publish(f"{prefix}/old", b"1", 1, True)
    reader = connected("reader")
    reader.subscribe((f"{prefix}/#", 1))
    got = {message.topic: message.payload for message in receive_all(reader, limit)}
    check(set(got) == set(topics), "not the topics that were kept")
    check(got[topics[0]] == b"2", "the replaced message came")
    reader.disconnect()
    check(client.publish(topics[1], b"", 1, True) < 0x80, "deleting was refused")
    check(client.publish(f"{prefix}/more", b"1", 1, True) < 0x80, "there was no room after deleting")
    check(client.publish(f"{prefix}/again", b"1", 1, True) == QUOTA_EXCEEDED, "there was too much room")
    for topic in topics + [f"{prefix}/more"]:
        client.send(packets.publish(5, topic, b"", 0, True))
    client.publish(f"{prefix}/end", b"", 1, True)
    client.disconnect()


def queue(limit):
    """One client is away and gets the oldest messages, as many as fit; another is there and gets everything."""
    limit = int(limit)
    for version in (4, 5):
        away = persistent(f"away-{version}", version)
        away.subscribe((f"limits/queue/{version}", 1))
        away.disconnect()
        there = connected("there")
        there.subscribe((f"limits/queue/{version}", 1))
        sender = connected("sender")
        total = limit + 15
        payloads = [b"%d" % number for number in range(total)]
        reasons = publish_many(sender, ((f"limits/queue/{version}", payload) for payload in payloads))
        check(all(reason < 0x80 for reason in reasons), "the sender was refused")
        check([message.payload for message in receive_all(there, total)] == payloads, "the other one misses messages")
        back = persistent(f"away-{version}", version)
        check(back.connack.session_present, "no session")
        check([message.payload for message in receive_all(back, limit)] == payloads[:limit], "not the oldest ones")
        # There is room again.
        sender.publish(f"limits/queue/{version}", b"new", 1)
        back.message(payload=b"new")
        for client in (back, there, sender):
            client.disconnect()
        connected(f"away-{version}", version).disconnect()  # a clean start ends the session
    print(2 * 15)


def slow(megabytes):
    """One subscriber never reads, another one does; the sender goes on until the first one is closed."""
    size = 7000
    lazy = dial("lazy")
    lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    lazy.send(packets.connect(5, "lazy", user=user, password=password))
    lazy.expect(CONNACK, reason=0)
    lazy.subscribe("limits/slow")
    eager = connected("eager")
    eager.subscribe(("limits/slow", 1))
    sender = connected("sender")
    total = int(megabytes) * 1_000_000 // size
    for number in range(0, total, WINDOW):
        payloads = [b"%08d" % (number + index) + b"x" * (size - 8) for index in range(WINDOW)]
        publish_many(sender, (("limits/slow", payload) for payload in payloads))
        for payload in payloads:
            eager.message("limits/slow", payload)
    for client in (eager, sender):
        client.disconnect()
    lazy.drop()


def filters(limit):
    """Many clients with as many filters as they may have, full of wildcards, and topics of very many levels."""
    limit = int(limit)
    abusers = [connected(f"abuser-{number}") for number in range(8)]
    for client in abusers:
        wild = ["+/" * levels + end for levels in range(1, limit) for end in "#+x"][:limit]
        codes = []
        for start in range(0, limit, 16):
            codes += client.subscribe(*wild[start:start + 16])
        check(all(code < 0x80 for code in codes), "a filter was refused")
        check(client.subscribe("one/more")[0] == QUOTA_EXCEEDED, "a filter too many was granted")
        check(client.subscribe(wild[0])[0] < 0x80, "a filter that it has was refused")
        check(client.unsubscribe(wild[1])[0] == 0, "no UNSUBACK")
        check(client.subscribe("one/more")[0] < 0x80, "there was no room after UNSUBSCRIBE")
        check(client.unsubscribe(*wild) is not None, "no UNSUBACK")
        # Up to the longest that a topic may be.
        client.subscribe("/".join(["+"] * 500), "/".join(["+"] * 400) + "/#", "a/" * 499 + "#", "/" * 500)
    sender, other = connected("sender"), connected("other")
    other.subscribe(("limits/other", 1))
    began = time.monotonic()
    deep = "a/" * 499 + "a"
    publish_many(sender, ((deep, b"1") for _ in range(40)))
    publish_many(sender, (("/" * 500, b"1") for _ in range(40)))
    publish_many(sender, (("limits/other", b"1") for _ in range(40)))
    receive_all(other, 40)
    # Some hundred deliveries; the bound is for a server that would try every combination of levels.
    check(time.monotonic() - began < 20, "too slow")
    for client in abusers:
        got = client.drain()
        check(sum(message.topic == deep for message in got) >= 40, "an abuser missed messages")
        client.disconnect()
    sender.send(packets.publish(5, "a/" * 600, b"", 1, packet_id=1))
    check(sender.closed() is not None, "a topic over the limit was not refused")
    other.nothing()
    other.disconnect()


def sessions(limit):
    """As many sessions as may stay; more clients are refused, unless they leave nothing or are known."""
    kept = [persistent(f"stays-{number}") for number in range(int(limit))]
    for version in (4, 5):
        late = dial("late", version)
        props = [("session_expiry", 600)] if version == 5 else ()
        late.send(packets.connect(version, "late", clean=False, user=user, password=password, props=props))
        late.refused({3} if version == 4 else {QUOTA_EXCEEDED})
        connected("clean", version).disconnect()
    kept[0].disconnect()
    check(persistent("stays-0").connack.session_present, "no session")
    for number, client in enumerate(kept):
        client = connected(f"stays-{number}")  # a clean start ends the session
        client.disconnect()
    persistent("late").disconnect()
    connected("late").disconnect()


def redirect(reason, reference):
    """Every client is sent away."""
    client = dial("sent-away")
    client.send(packets.connect(5, "sent-away", user=user, password=password))
    answer = client.refused({int(reason, 16)})
    check(answer is not None and dict(answer.props).get("server_reference") == reference, f"{answer}: no reference")
    client = dial("sent-away", 4)
    client.send(packets.connect(4, "sent-away", user=user, password=password))
    check(client.refused({3}) is not None, "no CONNACK")


def stay(client_id):
    """Connects with a session and two filters, says so, and stays until it is thrown out."""
    client = persistent(client_id)
    client.subscribe(("limits/stay/+", 1), "limits/x")
    print("there", flush=True)
    left = client.closed(seconds=60)
    print(f"out 0x{left.reason:02x}" if left else "out", flush=True)


def main():
    try:
        globals()[sys.argv[4]](*sys.argv[5:])
    except (Failed, OSError, packets.Malformed) as error:
        sys.exit(f"{sys.argv[4]}: {error}")


main()
