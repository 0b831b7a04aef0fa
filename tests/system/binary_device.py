#!/usr/bin/python3
"""A device of the official protocol in binary frames for the system tests: logs in, reports, and answers commands.

usage: binary_device.py tcp|tls|udp PORT DEVICE KEY [TEMP]   (tls: the certificate is not verified)
Reports temperature TEMP (default 36.5) and then answers reads, writes and functions until it is ended.
Prints one line per thing that happens: "ack 0", "read temp", "write target=21.5", "invoke reboot", "closed".
"""
import socket
import ssl
import struct
import sys

transport, port, device, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
values = {"temp": float(sys.argv[5]) if len(sys.argv) > 5 else 36.5, "target": 20.0}


def say(text):
    print(text, flush=True)


def string(text):
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def typed(value):
    if value is None:
        return b"\x00"
    if isinstance(value, bool):
        return b"\x01" + bytes([value])
    if isinstance(value, int):
        return b"\x04" + struct.pack(">i", value)
    if isinstance(value, float):
        return b"\x0a" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\x0b" + string(value)
    raise TypeError(value)


def mapping(values_of):
    return struct.pack(">H", len(values_of)) + b"".join(string(k) + typed(v) for k, v in values_of.items())


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, shape):
        size = struct.calcsize(">" + shape)
        (value,) = struct.unpack_from(">" + shape, self.data, self.at)
        self.at += size
        return value

    def string(self):
        size = self.take("H")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def typed(self):
        kind = self.take("B")
        if kind == 0x00:
            return None
        if kind == 0x0B:
            return self.string()
        if kind == 0x0D:
            return [self.typed() for _ in range(self.take("H"))]
        if kind == 0x0E:
            return self.mapping()
        return self.take({1: "?", 2: "b", 3: "h", 4: "i", 5: "q", 6: "B", 7: "H", 8: "I", 9: "f", 10: "d"}[kind])

    def mapping(self):
        return {self.string(): self.typed() for _ in range(self.take("H"))}


def message(kind, sequence, body):
    return bytes([kind]) + struct.pack(">qH", 0, sequence) + string(device) + body


if transport == "udp":
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
else:
    sock = socket.create_connection(("127.0.0.1", port))
    if transport == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(sock, server_hostname="gateway.test")


def send(payload):
    if transport == "udp":
        sock.send(b"\x00" + string(key) + payload)
    else:
        sock.sendall(struct.pack(">I", len(payload)) + payload)


def frames():
    if transport == "udp":
        while True:
            data = Reader(sock.recv(65536))
            data.take("B")
            data.string()  # the platform's proof
            yield data.data[data.at:]
    stream = sock.makefile("rb")
    while head := stream.read(4):
        yield stream.read(struct.unpack(">I", head)[0])


def answer(frame):
    reader = Reader(frame)
    kind = reader.take("B")
    reader.take("q")
    sequence = reader.take("H")
    reader.string()
    if kind == 0x02:
        say(f"ack {reader.take('B')}")
    elif kind == 0x04:
        wanted = [reader.typed() for _ in range(reader.take("H"))]
        say("read " + " ".join(sorted(wanted)))
        send(message(0x05, sequence, b"\x01" + mapping({name: values[name] for name in wanted if name in values})))
    elif kind == 0x06:
        given = reader.mapping()
        say("write " + " ".join(f"{k}={v}" for k, v in sorted(given.items())))
        values.update(given)
        send(message(0x07, sequence, b"\x01" + mapping(given)))
    elif kind == 0x08:
        name, inputs = reader.string(), reader.mapping()
        say(f"invoke {name}")
        if name == "broken":
            send(message(0x09, sequence, b"\x00" + typed("E42") + typed("motor is stuck")))
        elif name != "silent":
            send(message(0x09, sequence, b"\x01" + typed(name) + typed(f"rebooting in {inputs.get('delay')} s")))


send(message(0x01, 0, string(key)))
send(message(0x03, 1, mapping({"temp": values["temp"]})))
try:
    for received in frames():
        answer(received)
except OSError:
    pass
say("closed")
