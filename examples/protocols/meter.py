#!/usr/bin/python3
"""An electricity meter (meter/docs/protocol.md): logs in, reports, and answers reads, writes and the switch.

usage: meter.py PORT ADDRESS PASSWORD
Obeys lines on standard input: "report ENERGY VOLTAGE POWER" (kWh, V, W), "alarm CODE VOLTAGE", "send HEX" (bytes as
they are), "quit". Prints a line for each thing that happens: "login 0", "read energy", "write interval=60",
"switch on", "closed". Ends with its standard input or with the connection.
"""
import hashlib
import hmac
import os
import select
import socket
import struct
import sys

START, END = 0x68, 0x16
FORMATS = {1: ("energy", ">I", 100), 2: ("voltage", ">H", 10), 3: ("power", ">i", 1), 4: ("interval", ">H", 1)}
values = {1: 12345, 2: 2305, 3: 1500, 4: 60}  # as they stand in frames


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def frame(kind, address, body=b""):
    data = struct.pack(">BHB", START, len(body) + 10, kind) + bytes.fromhex(address) + body
    return data + struct.pack(">HB", crc16(data), END)


def login(address, password, nonce):
    return frame(0x01, address, nonce + hmac.digest(password.encode(), bytes.fromhex(address) + nonce, hashlib.sha256))


def report(address):
    return frame(0x02, address, struct.pack(">IHi", values[1], values[2], values[3]))


def value_list(numbers):
    return bytes([len(numbers)]) + b"".join(bytes([n]) + struct.pack(FORMATS[n][1], values[n]) for n in numbers)


def say(text):
    print(text, flush=True)


def read(body):
    numbers = list(body[3:])
    say("read " + " ".join(FORMATS[n][0] for n in numbers if n in FORMATS))
    if any(n not in FORMATS for n in numbers):
        return body[:2] + b"\x02"
    return body[:2] + b"\x00" + value_list(numbers)


def write(body):
    at, written = 3, []
    for _ in range(body[2]):
        number = body[at]
        if number != 4:
            return body[:2] + b"\x01"
        (value,) = struct.unpack_from(">H", body, at + 1)
        if value == 0:
            return body[:2] + b"\x03"
        values[number] = value
        written.append(number)
        at += 3
    say("write " + " ".join(f"{FORMATS[n][0]}={values[n]}" for n in written))
    return body[:2] + b"\x00" + value_list(written)


def invoke(body):
    say("switch " + ("on" if body[3] else "off"))
    return body[:2] + b"\x00" + body[3:4]


class Meter:
    def __init__(self, port, address, password):
        self.address = address
        self.received = b""
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.sendall(login(address, password, os.urandom(8)))

    def hear(self):
        """Takes what has arrived; False when the connection has ended."""
        try:
            data = self.sock.recv(4096)
        except OSError:
            data = b""
        self.received += data
        while len(self.received) >= 3:
            size = 3 + struct.unpack_from(">H", self.received, 1)[0]
            if len(self.received) < size:
                break
            self.answer(self.received[3], self.received[10:size - 3])
            self.received = self.received[size:]
        return bool(data)

    def answer(self, kind, body):
        if kind == 0x81:
            say(f"login {body[0]}")
        elif kind in (0x04, 0x05, 0x06):
            answer = {0x04: read, 0x05: write, 0x06: invoke}[kind](body)
            self.sock.sendall(frame(kind | 0x80, self.address, answer))

    def obey(self, line):
        """Does what a line of standard input says; False to end."""
        words = line.split() or ["quit"]
        if words[0] == "report":
            values.update({n: round(float(text) * FORMATS[n][2]) for n, text in zip((1, 2, 3), words[1:])})
            self.sock.sendall(report(self.address))
        elif words[0] == "alarm":
            self.sock.sendall(frame(0x03, self.address, struct.pack(">BH", int(words[1]), round(float(words[2]) * 10))))
        elif words[0] == "send":
            self.sock.sendall(bytes.fromhex("".join(words[1:])))
        return words[0] != "quit"

    def run(self):
        while True:
            ready, _, _ = select.select([self.sock, sys.stdin.buffer], [], [])
            if self.sock in ready and not self.hear():
                return say("closed")
            if sys.stdin.buffer in ready:
                line = sys.stdin.buffer.raw.readline().decode()
                if not self.obey(line):
                    return None


if __name__ == "__main__":
    Meter(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
