#!/usr/bin/python3
"""An MQTT device of the official protocol for the tests of remote upgrade: paho's client in the loop of asyncio.

usage: ota_client.py PORT PRODUCT DEVICE      (secureId DEVICE, secureKey key-DEVICE)
Publishes what it is told on standard input, in lines "SUFFIX FILE": the file's bytes, with QoS 1. Prints one line per
thing that happens: "connected", "got SUFFIX PAYLOAD", "sent SUFFIX" (the daemon has acknowledged it), "closed".
"""
import asyncio
import hashlib
import random
import resource
import sys
import time

import paho.mqtt.client as mqtt

KEEP_ALIVE = 600
RETRY = 0.3  # seconds, about


def raise_file_limit():
    """A connection is a file: as many as this process may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Client:
    """A device's connection, which comes back by itself until leave().

    `hear(suffix, payload)` gets what the device is sent, `joined()` is called whenever it is connected, `left()` when
    it is not any more. What is published with QoS 1 while there is no connection goes out with the next.
    """

    def __init__(self, port, product, device, hear, joined=lambda: None, left=lambda: None):
        self.loop = asyncio.get_running_loop()
        self.port, self.device, self.base = port, device, f"/{product}/{device}/"
        self.hear, self.joined, self.left = hear, joined, left
        self.wanted = self.connected = False
        self.retrying = None
        self.waiting = {}  # packet id -> future of its PUBACK
        self.mqtt = mqtt.Client(client_id=device, protocol=mqtt.MQTTv311)
        self.mqtt.max_inflight_messages_set(100)
        self.mqtt.on_connect, self.mqtt.on_disconnect = self._on_connect, self._on_disconnect
        self.mqtt.on_message, self.mqtt.on_publish = self._on_message, self._on_publish
        self.mqtt.on_socket_open = lambda _c, _d, sock: self.loop.add_reader(sock, self.mqtt.loop_read)
        self.mqtt.on_socket_close = self._on_socket_close
        self.mqtt.on_socket_register_write = lambda _c, _d, sock: self.loop.add_writer(sock, self.mqtt.loop_write)
        self.mqtt.on_socket_unregister_write = lambda _c, _d, sock: self.loop.remove_writer(sock)

    def join(self):
        self.wanted = True
        self._no_retry()
        self._connect()

    def leave(self):
        """Says DISCONNECT and stays away until the next join()."""
        self.wanted = False
        self._no_retry()
        self.mqtt.disconnect()

    def publish(self, suffix, payload):
        """Sends with QoS 1; the future is done with the PUBACK."""
        info = self.mqtt.publish(self.base + suffix, payload, qos=1)
        future = self.waiting[info.mid] = self.loop.create_future()
        return future

    def _connect(self):
        if not self.wanted or self.connected:
            return
        user = f"{self.device}|{int(time.time() * 1000)}"
        self.mqtt.username_pw_set(user, hashlib.md5(f"{user}|key-{self.device}".encode()).hexdigest())
        try:
            self.mqtt.connect("127.0.0.1", self.port, keepalive=KEEP_ALIVE)
        except OSError:
            self._retry()

    def _no_retry(self):
        if self.retrying:
            self.retrying.cancel()
        self.retrying = None

    def _retry(self):
        self._no_retry()
        self.retrying = self.loop.call_later(RETRY * random.uniform(0.7, 1.3), self._connect)

    def _on_connect(self, _client, _data, _flags, code):
        self.connected = code == 0
        if self.connected:
            self.joined()

    def _on_disconnect(self, _client, _data, _code):
        was, self.connected = self.connected, False
        if was:
            self.left()
        if self.wanted:
            self._retry()

    def _on_message(self, _client, _data, message):
        if message.topic.startswith(self.base):
            self.hear(message.topic[len(self.base):], message.payload)

    def _on_publish(self, _client, _data, packet_id):
        future = self.waiting.pop(packet_id, None)
        if future and not future.done():
            future.set_result(None)

    def _on_socket_close(self, _client, _data, sock):
        self.loop.remove_reader(sock)
        self.loop.remove_writer(sock)


async def main():
    port, product, device = int(sys.argv[1]), sys.argv[2], sys.argv[3]

    def say(text):
        print(text, flush=True)

    def hear(suffix, payload):
        say(f"got {suffix} {payload.decode()}")

    client = Client(port, product, device, hear, lambda: say("connected"), lambda: say("closed"))
    client.join()
    # "Nothing more to read" is no end: others open the pipe again.
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            break
        suffix, path = line.split()
        with open(path, "rb") as file:
            sent = client.publish(suffix, file.read())
        sent.add_done_callback(lambda _future, what=suffix: say(f"sent {what}"))
    client.leave()


if __name__ == "__main__":
    asyncio.run(main())
