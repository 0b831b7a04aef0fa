#!/usr/bin/python3
"""A device of the official protocol over WebSocket for the system tests: reports, and answers commands.

usage: websocket_device.py URL [TEMP]   (the library offers compression; wss: the certificate is not verified)
Prints one line per thing that happens: "connected", "read temp", "write target=21.5", "invoke reboot", "closed 1014 Unauthorized".
"""
import asyncio
import json
import ssl
import sys

import websockets

url = sys.argv[1]
values = {"temp": float(sys.argv[2]) if len(sys.argv) > 2 else 22.5, "target": 20}


def say(text):
    print(text, flush=True)


async def run():
    context = None
    if url.startswith("wss"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with websockets.connect(url, ssl=context) as socket:
        say("connected")
        try:
            await socket.send(json.dumps({"messageType": "REPORT_PROPERTY", "properties": {"temp": values["temp"]}}))
            async for text in socket:
                reply = answer(json.loads(text))
                if reply:
                    await socket.send(json.dumps(reply))
        except websockets.ConnectionClosed:
            pass
        say(f"closed {socket.close_code} {socket.close_reason}")


def answer(request):
    kind = request["messageType"]
    reply = {"messageType": f"{kind}_REPLY", "messageId": request["messageId"]}
    if kind == "READ_PROPERTY":
        say("read " + " ".join(sorted(request["properties"])))
        return reply | {"properties": {name: values[name] for name in request["properties"] if name in values}}
    if kind == "WRITE_PROPERTY":
        say("write " + " ".join(f"{k}={v}" for k, v in sorted(request["properties"].items())))
        values.update(request["properties"])
        return reply | {"properties": request["properties"]}
    if kind == "INVOKE_FUNCTION":
        name = request["functionId"]
        say(f"invoke {name}")
        if name == "broken":
            return reply | {"success": False, "code": "E42", "message": "motor is stuck"}
        inputs = {i["name"]: i["value"] for i in request["inputs"]}
        return reply | {"functionId": name, "output": f"rebooting in {inputs.get('delay')} s"}
    return None


asyncio.run(run())
