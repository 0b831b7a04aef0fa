#!/usr/bin/python3
"""The exchanges of sessions across a kill -9 of the daemon, in two parts around it.

usage: mqtt_kill.py before|after PORT USER PASSWORD_FILE STATE_FILE      exit code 1 and a line when something is wrong
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
import packets  # noqa: E402
from client import Client, Failed, check  # noqa: E402
from packets import CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK  # noqa: E402

VERSIONS = (4, 5)


def connect(port, login, version, client_id, clean=False):
    client = Client(("127.0.0.1", port), version, client_id)
    props = [("session_expiry", 3600)] if version == 5 and not clean else []
    client.send(packets.connect(version, client_id, clean=clean, user=login[0], password=login[1], props=props))
    client.connack = client.expect(CONNACK, reason=0)
    return client


def subscribe(client, topic, qos):
    client.send(packets.subscribe(client.version, 100, [(topic, qos)]))
    client.expect(SUBACK)


def before(port, login, state):
    """Leaves every exchange half-way: what the clients have of it is written to `state`."""
    for version in VERSIONS:
        name = f"v{version}"
        # A QoS 2 message to us, before PUBREC; one after PUBREC; a QoS 1 message before PUBACK; all in flight.
        taker = connect(port, login, version, f"taker-{name}")
        subscribe(taker, f"kill/{name}/#", 2)
        giver = connect(port, login, version, f"giver-{name}")
        # Ours to the daemon: PUBLISH answered by PUBREC, PUBREL not sent.
        for number, qos in ((1, 2), (2, 2), (3, 1)):
            giver.send(packets.publish(version, f"kill/{name}/{number}", b"%d" % number, qos, packet_id=number))
            giver.expect(PUBREC if qos == 2 else PUBACK, packet_id=number)
        got = [taker.expect(PUBLISH) for _ in range(3)]
        taker.send(packets.acknowledge(version, PUBREC, got[1].packet_id))
        taker.expect(PUBREL, packet_id=got[1].packet_id)
        state[name] = [one.packet_id for one in got]


def after(port, login, state):
    for version in VERSIONS:
        name = f"v{version}"
        ids = state[name]
        taker = connect(port, login, version, f"taker-{name}")
        check(taker.connack.session_present, "the session is gone")
        # All that was in flight comes again, with its packet identifier [MQTT-4.4.0-1]; PUBREL where PUBREC was taken.
        again = [taker.receive_or_fail(PUBLISH) for _ in range(3)]
        messages = {one.packet_id: one for one in again if one.kind == PUBLISH}
        releases = [one.packet_id for one in again if one.kind == PUBREL]
        check(set(messages) == {ids[0], ids[2]}, f"{sorted(messages)} came again, not {[ids[0], ids[2]]}")
        check(releases == [ids[1]], f"PUBREL for {releases}, not {ids[1]}")
        check(all(one.dup for one in messages.values()), "without DUP [MQTT-3.3.1-1]")
        check(messages[ids[0]].payload == b"1" and messages[ids[2]].payload == b"3", "other payloads")
        taker.send(packets.acknowledge(version, PUBCOMP, ids[1]))
        taker.send(packets.acknowledge(version, PUBACK, ids[2]))
        taker.send(packets.acknowledge(version, PUBREC, ids[0]))
        taker.expect(PUBREL, packet_id=ids[0])
        taker.send(packets.acknowledge(version, PUBCOMP, ids[0]))
        taker.nothing()

        # The daemon has messages 1 and 2 of ours: sent again, they are answered and not delivered again.
        giver = connect(port, login, version, f"giver-{name}")
        check(giver.connack.session_present, "the publisher's session is gone")
        for number in (1, 2):
            giver.send(packets.publish(version, f"kill/{name}/{number}", b"%d" % number, 2, dup=True, packet_id=number))
            giver.expect(PUBREC, packet_id=number)
            giver.send(packets.acknowledge(version, PUBREL, number))
            giver.expect(PUBCOMP, packet_id=number)
        taker.nothing()
        # And the identifiers are free again: a new message is a new one.
        giver.send(packets.publish(version, f"kill/{name}/4", b"4", 2, packet_id=1))
        giver.expect(PUBREC, packet_id=1)
        check(taker.expect(PUBLISH).payload == b"4", "the new message did not come")


def main():
    part, port, user, password_file, state_file = sys.argv[1:]
    with open(password_file, encoding="utf-8") as file:
        login = (user, file.read().rstrip("\n").encode())
    state = {}
    try:
        if part == "before":
            before(int(port), login, state)
            with open(state_file, "w", encoding="utf-8") as file:
                json.dump(state, file)
        else:
            with open(state_file, encoding="utf-8") as file:
                after(int(port), login, json.load(file))
    except Failed as problem:
        print(problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
