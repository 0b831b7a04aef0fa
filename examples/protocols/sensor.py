#!/usr/bin/python3
"""A room sensor (sensor/docs/protocol.md) with paho: connects and answers commands.

usage: sensor.py PORT ID TOKEN
Obeys lines on standard input: "up JSON" publishes to its topic, "event NAME JSON" an event, "quit" ends, as does the end
of the input. Prints a line for each thing that happens: "connected", "published", "get temperature",
"set interval=60", "call blink", "refused".
"""
import hashlib
import json
import sys
import time

import paho.mqtt.client as mqtt

values = {"temperature": 21.5, "humidity": 40, "interval": 60}


def say(text):
    print(text, flush=True)


def answer(command):
    head = {"id": command["id"], "ok": True}
    if "get" in command:
        say("get " + " ".join(command["get"]))
        return {"reply": "get", **head, "values": {name: values[name] for name in command["get"]}}
    if "set" in command:
        say("set " + " ".join(f"{name}={value}" for name, value in command["set"].items()))
        values.update(command["set"])
        return {"reply": "set", **head, "values": command["set"]}
    say("call " + command["call"])
    times = command["with"].get("times", 1)
    if times > 10:
        return {"reply": "call", "id": command["id"], "ok": False, "error": "the lamp is tired"}
    return {"reply": "call", **head, "output": f"blinked {times} times"}


def main():
    port, sensor, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    user = f"{sensor};{int(time.time())}"
    client = mqtt.Client(sensor)
    client.username_pw_set(user, hashlib.sha256(f"{user};{token}".encode()).hexdigest())

    def connected(_client, _data, _flags, code):
        if code != 0:
            say("refused")
            client.disconnect()
        else:
            client.subscribe(f"/sensor/{sensor}/down", 1)

    client.on_connect = connected
    client.on_subscribe = lambda *_: say("connected")
    client.on_publish = lambda *_: say("published")
    client.on_message = lambda _client, _data, message: client.publish(
        f"/sensor/{sensor}/up", json.dumps(answer(json.loads(message.payload))), 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "up":
            client.publish(f"/sensor/{sensor}/up", rest, 1)
        elif word == "event":
            name, _, content = rest.partition(" ")
            client.publish(f"/sensor/{sensor}/event/{name}", content, 1)
        else:
            break
    client.disconnect()
    client.loop_stop()


main()
