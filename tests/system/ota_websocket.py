#!/usr/bin/python3
"""A WebSocket device that asks for firmware until there is none: downloads it, compares the digest, reports the end.

usage: ota_websocket.py URL       (prints "upgraded VERSION" for each, and "refused CODE" at last)
"""
import asyncio
import hashlib
import json
import sys
import urllib.request

import websockets


async def ask(socket, number):
    """The answer to the question, among whatever else comes."""
    await socket.send(json.dumps({"messageType": "REQUEST_FIRMWARE", "messageId": f"ask-{number}"}))
    async for text in socket:
        message = json.loads(text)
        if message["messageType"] == "REQUEST_FIRMWARE_REPLY" and message["messageId"] == f"ask-{number}":
            return message
    raise EOFError("the connection ended")


async def run(url):
    async with websockets.connect(url) as socket:
        number = 1
        while (offer := await ask(socket, number))["success"]:
            number += 1
            with urllib.request.urlopen(offer["url"], timeout=30) as response:
                image = response.read()
            good = hashlib.new(offer["signMethod"], image).hexdigest() == offer["sign"]
            await socket.send(json.dumps({
                "messageType": "UPGRADE_FIRMWARE_PROGRESS", "firmwareId": offer["firmwareId"], "progress": 100,
                "version": offer["version"], "complete": True, "success": good}))
            print(f"upgraded {offer['version']}", flush=True)
        print(f"refused {offer['code']}", flush=True)


asyncio.run(run(sys.argv[1]))
