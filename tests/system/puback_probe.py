#!/usr/bin/python3
"""An official device that publishes at QoS 1, one message after another, until it is told to stop.

usage: puback_probe.py PORT TOPIC CLIENT-ID USER PASSWORD STOP-FILE
Says "ready" after the first PUBACK. Once STOP-FILE exists it prints "COUNT SLOWEST", the number of messages and the
longest time from a PUBLISH to its PUBACK in milliseconds. A minute without a PUBACK ends it with an error.
"""
import os
import queue
import sys
import time

import paho.mqtt.client as mqtt

port, topic, client_id, user, password, stop_file = sys.argv[1:]
acknowledged = queue.Queue()
client = mqtt.Client(client_id)
client.username_pw_set(user, password)
client.on_publish = lambda *_: acknowledged.put(time.monotonic())
client.connect("127.0.0.1", int(port))
client.loop_start()

count, slowest = 0, 0.0
while not os.path.exists(stop_file):
    begun = time.monotonic()
    client.publish(topic, '{"properties":{"temp":1}}', 1)
    slowest = max(slowest, acknowledged.get(timeout=60) - begun)
    count += 1
    if count == 1:
        slowest = 0.0  # that one waited for the connection
        print("ready", flush=True)
    time.sleep(0.005)
print(count, round(slowest * 1000), flush=True)
client.disconnect()
