#!/usr/bin/python3
"""paho as an application, in 3.1.1 and 5: QoS 0 to 2, retained, will, session, properties.

Exits 1 at the first surprise.

usage: paho_client.py PORT USER PASSWORD [CA-FILE]
"""
import queue
import sys
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
authority = sys.argv[4] if len(sys.argv) > 4 else None
DEADLINE = 15


class Application:
    """A connected client; what happens to it waits in `events`."""

    def __init__(self, version, name, clean=True, will=None):
        self.events = queue.Queue()
        options = {"clean_session": clean} if version == mqtt.MQTTv311 else {}
        self.client = mqtt.Client(name, protocol=version, **options)
        self.client.username_pw_set(user, password)
        if authority:
            self.client.tls_set(authority)
        if will:
            self.client.will_set(*will)
        self.client.on_message = lambda _client, _data, message: self.events.put(("message", message))
        self.client.on_subscribe = lambda *_: self.events.put(("subscribed", None))
        self.client.on_publish = lambda *_: self.events.put(("published", None))
        if version == mqtt.MQTTv5:
            self.client.on_connect = lambda _c, _d, flags, code, _p: self.events.put(("connected", (flags, code)))
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 300
            self.client.connect("localhost", port, clean_start=clean, properties=properties)
        else:
            self.client.on_connect = lambda _c, _d, flags, code: self.events.put(("connected", (flags, code)))
            self.client.connect("localhost", port)
        self.client.loop_start()
        flags, code = self.expect("connected")
        assert code == 0, f"refused: {code}"
        self.session_present = flags["session present"]

    def expect(self, what):
        kind, value = self.events.get(timeout=DEADLINE)
        assert kind == what, f"{kind} instead of {what}"
        return value

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        self.expect("subscribed")

    def publish(self, *arguments, **options):
        self.client.publish(*arguments, **options)
        self.expect("published")

    def message(self, topic, payload, qos, retain=False):
        got = self.expect("message")
        have = (got.topic, got.payload, got.qos, bool(got.retain))
        assert have == (topic, payload, qos, retain), f"{have} instead of {(topic, payload, qos, retain)}"
        return got

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def die(self):
        """Ends the connection without DISCONNECT."""
        self.client.loop_stop()
        self.client.socket().close()


def run(version):
    base = f"paho/{uuid.uuid4().hex[:8]}"
    names = [f"p{uuid.uuid4().hex[:12]}" for _ in range(3)]
    sender = Application(version, names[0])
    receiver = Application(version, names[1], clean=False)
    assert not receiver.session_present
    receiver.subscribe(f"{base}/+", 2)
    for qos in (0, 1, 2):
        sender.publish(f"{base}/x", b"%d" % qos, qos)
        receiver.message(f"{base}/x", b"%d" % qos, qos)

    sender.publish(f"{base}/kept/x", b"kept", 1, retain=True)
    receiver.subscribe(f"{base}/kept/#", 1)
    receiver.message(f"{base}/kept/x", b"kept", 1, retain=True)
    sender.publish(f"{base}/kept/x", b"", 1, retain=True)
    receiver.message(f"{base}/kept/x", b"", 1)

    Application(version, names[2], will=(f"{base}/will", b"gone", 1, False)).die()
    receiver.message(f"{base}/will", b"gone", 1)

    receiver.leave()
    for index in range(5):
        sender.publish(f"{base}/x", b"%d" % index, 1 if index < 3 else 2)
    again = Application(version, names[1], clean=False)
    assert again.session_present, "the session is lost"
    for index in range(5):
        again.message(f"{base}/x", b"%d" % index, 1 if index < 3 else 2)

    if version == mqtt.MQTTv5:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = f"{base}/answer", b"\0\1"
        properties.UserProperty = [("b", "1"), ("a", "2"), ("b", "3")]
        sender.publish(f"{base}/x", b"p", 1, properties=properties)
        got = again.message(f"{base}/x", b"p", 1).properties
        assert got.ResponseTopic == f"{base}/answer" and got.CorrelationData == b"\0\1", str(got)
        assert got.UserProperty == [("b", "1"), ("a", "2"), ("b", "3")], str(got)
    again.leave()
    Application(version, names[1]).leave()
    sender.leave()


for protocol in (mqtt.MQTTv311, mqtt.MQTTv5):
    run(protocol)
