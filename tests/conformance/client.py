"""A client on a blocking socket for the tests: sends any bytes, expects packets before a deadline, never sleeps."""
import socket
import time

import packets
from packets import (CONNACK, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBACK,
                     Malformed)

DEADLINE = 8.0  # seconds until an answer that must come is missing


class Failed(Exception):
    """The server did something else than the clause says."""


class Skip(Exception):
    """The clause does not apply to this server as it is configured."""


def check(truth, what):
    if not truth:
        raise Failed(what)


class Client:
    """One network connection. `version` is 4 or 5. Packets that are pushed while an answer is awaited are kept."""

    def __init__(self, address, version, client_id):
        self.version, self.client_id = version, client_id
        self.socket = socket.create_connection(address, timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input, self.kept, self.ended = b"", [], False
        self.next_id = 0
        self.connack = None

    # --- bytes

    def send(self, data):
        """What the server no longer wants to read is not an error here; the test sees the close."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def drop(self):
        """Ends the connection without DISCONNECT."""
        self.socket.close()

    def fill(self, until):
        """Reads once; False at the end of the stream, TimeoutError after the deadline."""
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
        self.input += data
        return bool(data)

    def parse(self):
        """The next whole packet of the input or None."""
        if len(self.input) < 2:
            return None
        length = 0
        for index in range(4):
            if len(self.input) < 2 + index:
                return None
            byte = self.input[1 + index]
            length |= (byte & 0x7F) << 7 * index
            if not byte & 0x80:
                break
        else:
            raise Malformed("a remaining length of more than four bytes")
        if index and byte == 0:
            raise Malformed("a remaining length longer than needed")
        size = 2 + index + length
        if len(self.input) < size:
            return None
        first, body = self.input[0], self.input[2 + index:size]
        self.input = self.input[size:]
        return packets.decode(self.version, first >> 4, first & 15, body, size)

    # --- packets

    def receive(self, seconds=DEADLINE):
        """The next packet; None when the server has closed; TimeoutError when nothing comes."""
        if self.kept:
            return self.kept.pop(0)
        until = time.monotonic() + seconds
        while True:
            out = self.parse()
            if out is not None:
                return out
            if self.ended or not self.fill(until):
                return None

    def expect(self, kind, seconds=DEADLINE, **fields):
        """The next packet, which must be of the kind and have these fields."""
        try:
            out = self.receive(seconds)
        except TimeoutError:
            raise Failed(f"no {packets.NAMES[kind]} came") from None
        check(out is not None, f"closed instead of {packets.NAMES[kind]}")
        check(out.kind == kind, f"{out} instead of {packets.NAMES[kind]}")
        for name, value in fields.items():
            check(getattr(out, name) == value, f"{name} is {getattr(out, name)!r}, not {value!r}, in {out}")
        return out

    def answer(self, kind, **fields):
        """Like expect, but messages of the server that come before it are kept for later."""
        kept = []
        while True:
            out = self.receive_or_fail(kind)
            if out.kind == kind:
                break
            check(out.kind in (PUBLISH, PUBREL), f"{out} instead of {packets.NAMES[kind]}")
            kept.append(out)
        self.kept = kept + self.kept
        for name, value in fields.items():
            check(getattr(out, name) == value, f"{name} is {getattr(out, name)!r}, not {value!r}, in {out}")
        return out

    def receive_or_fail(self, kind):
        try:
            out = self.receive()
        except TimeoutError:
            raise Failed(f"no {packets.NAMES[kind]} came") from None
        check(out is not None, f"closed instead of {packets.NAMES[kind]}")
        return out

    def nothing(self):
        """Nothing more comes: the answer to a PINGREQ is the next packet."""
        self.send(packets.packet(PINGREQ))
        self.expect(PINGRESP)

    def drain(self):
        """Every packet until the answer to a PINGREQ."""
        self.send(packets.packet(PINGREQ))
        out = []
        while True:
            got = self.receive_or_fail(PINGRESP)
            if got.kind == PINGRESP:
                return out
            out.append(got)

    def quiet(self, seconds):
        """Waits; nothing may come in that time."""
        try:
            out = self.receive(seconds)
        except TimeoutError:
            return
        raise Failed(f"{out or 'the end of the connection'} came")

    def closed(self, seconds=DEADLINE, reasons=None):
        """The server ends the connection, in 5.0 perhaps after a DISCONNECT with an error, which is returned.

        `reasons` are the reason codes allowed; None allows any of 0x80 and more. A CONNACK is not accepted here.
        """
        last = None
        while True:
            try:
                out = self.receive(seconds)
            except TimeoutError:
                raise Failed("the server did not close the connection") from None
            if out is None:
                return last
            check(last is None, f"{out} after DISCONNECT [MQTT-3.14.4-1]")
            check(out.kind == DISCONNECT, f"{out} instead of the end of the connection")
            check(out.reason >= 0x80, f"{out}: not an error")
            check(reasons is None or out.reason in reasons, f"DISCONNECT with 0x{out.reason:02x}")
            last = out

    def refused(self, reasons=None):
        """CONNECT is not accepted: the server closes, perhaps after a CONNACK with an error, which is returned."""
        last = None
        while True:
            try:
                out = self.receive()
            except TimeoutError:
                raise Failed("the server did not close the connection") from None
            if out is None:
                return last
            check(last is None and out.kind == CONNACK, f"{out} instead of the end of the connection")
            check(out.reason != 0, "CONNECT was accepted")
            check(not out.session_present, "session present in a refusal")
            check(reasons is None or out.reason in reasons, f"CONNACK with 0x{out.reason:02x}")
            last = out

    # --- common exchanges

    def new_id(self):
        self.next_id += 1
        return self.next_id

    def disconnect(self, reason=None, props=None):
        """Leaves in order and waits for the server's close, so that it is known to be processed."""
        self.send(packets.disconnect(self.version, reason, props))
        try:
            self.socket.shutdown(socket.SHUT_WR)
            until = time.monotonic() + DEADLINE
            while self.fill(until):
                pass
        except (OSError, TimeoutError):
            pass
        self.socket.close()

    def subscribe(self, *filters, props=()):
        """Subscribes to filters, each a string (QoS 0) or (string, options); returns the codes of the SUBACK."""
        pairs = [(one, 0) if isinstance(one, (str, bytes)) else one for one in filters]
        number = self.new_id()
        self.send(packets.subscribe(self.version, number, pairs, props))
        return self.answer(SUBACK, packet_id=number).reasons

    def unsubscribe(self, *filters):
        number = self.new_id()
        self.send(packets.unsubscribe(self.version, number, filters))
        return self.answer(UNSUBACK, packet_id=number).reasons

    def publish(self, topic, payload=b"", qos=0, retain=False, dup=False, props=(), packet_id=None):
        """Publishes and completes the exchange; returns the reason code (0 for QoS 0, after a PINGRESP)."""
        number = (packet_id or self.new_id()) if qos else None
        self.send(packets.publish(self.version, topic, payload, qos, retain, dup, number, props))
        if qos == 0:
            self.send(packets.packet(PINGREQ))
            self.answer(PINGRESP)
            return 0
        if qos == 1:
            return self.answer(PUBACK, packet_id=number).reason
        code = self.answer(PUBREC, packet_id=number).reason
        if code < 0x80:
            self.send(packets.acknowledge(self.version, PUBREL, number))
            self.answer(PUBCOMP, packet_id=number)
        return code

    def acknowledge(self, kind, packet_id, reason=None, props=None):
        self.send(packets.acknowledge(self.version, kind, packet_id, reason, props))

    def message(self, topic=None, payload=None, seconds=DEADLINE, **fields):
        """The next packet is this message; it is acknowledged in full."""
        out = self.expect(PUBLISH, seconds, **fields)
        check(topic is None or out.topic == topic, f"topic {out.topic!r}, not {topic!r}")
        check(payload is None or out.payload == payload, f"payload {out.payload!r}, not {payload!r}")
        if out.qos == 1:
            self.acknowledge(PUBACK, out.packet_id)
        elif out.qos == 2:
            self.acknowledge(PUBREC, out.packet_id)
            self.answer(PUBREL, packet_id=out.packet_id)
            self.acknowledge(PUBCOMP, out.packet_id)
        return out
