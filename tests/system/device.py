#!/usr/bin/python3
"""A device of the official protocol for the system tests: answers reads, writes and functions until it is ended.

usage: device.py PORT DEVICE [subscribe]   (product "sensor", secureId DEVICE, secureKey key-DEVICE)
"subscribe" is for brokers that do not know by themselves what a device is to hear.
Prints one line per thing that happens: "connected", "subscribed", "read temp", "write target=21.5", "invoke reboot",
"closed".
"""
import hashlib
import json
import sys
import time

import paho.mqtt.client as mqtt

port, device = int(sys.argv[1]), sys.argv[2]
base = f"/sensor/{device}"
values = {"temp": 21.5, "target": 20}


def say(text):
    print(text, flush=True)


def on_connect(client, _data, _flags, code):
    say("connected" if code == 0 else f"refused {code}")
    if code != 0:
        sys.exit(1)
    if "subscribe" in sys.argv[3:]:
        client.subscribe([(f"{base}/{kind}", 1) for kind in ("properties/read", "properties/write", "function/invoke")])


def on_message(client, _data, message):
    request = json.loads(message.payload)
    kind = message.topic[len(base) + 1:]
    reply = {"messageId": request["messageId"], "timestamp": int(time.time() * 1000)}
    if kind == "properties/read":
        say("read " + " ".join(sorted(request["properties"])))
        wanted = request["properties"] or list(values)
        reply["properties"] = {name: values[name] for name in wanted if name in values}
    elif kind == "properties/write":
        say("write " + " ".join(f"{k}={v}" for k, v in sorted(request["properties"].items())))
        values.update(request["properties"])
        reply["properties"] = request["properties"]
    elif kind == "function/invoke":
        name = request["functionId"]
        say(f"invoke {name}")
        if name == "silent":
            return
        if name == "broken":
            reply.update(success=False, code="E42", message="motor is stuck")
        else:
            inputs = {i["name"]: i["value"] for i in request["inputs"]}
            reply.update(functionId=name, output=f"rebooting in {inputs.get('delay')} s")
    else:
        return
    client.publish(f"{base}/{kind}/reply", json.dumps(reply), qos=1)


client = mqtt.Client(client_id=device, protocol=mqtt.MQTTv311)
username = f"{device}|{int(time.time() * 1000)}"
client.username_pw_set(username, hashlib.md5(f"{username}|key-{device}".encode()).hexdigest())
client.on_connect, client.on_message = on_connect, on_message
client.on_subscribe = lambda *_: say("subscribed")
client.on_disconnect = lambda *_: (say("closed"), client.loop_stop(), sys.exit(0))
client.connect("127.0.0.1", port, keepalive=60)
client.loop_forever(retry_first_connection=False)
