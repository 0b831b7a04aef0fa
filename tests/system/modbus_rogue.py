#!/usr/bin/python3
"""A Modbus slave that misbehaves, for the system tests: what lines, gateways and bad firmware do, by rule.

Registers hold their own address, bits are set where the address is divisible by 3, until somebody writes them. Every
unit answers, unless the mode says otherwise; all share one memory. Prints {"port": N} on standard output at once (with
refuse-then-serve nobody listens there yet), and ends on SIGTERM. Modes:

serve              nothing is wrong
late MS            each answer comes MS after its request
late-once [MS]     the first answer comes so late (1500), the others at once
out-of-order       what was asked within 100 ms is answered in reverse
garbage            random bytes follow each answer
wrong-unit         first an answer of the next unit, then the right one
wrong-id           first an answer with another transaction identifier, then the right one
byte-by-byte       one byte every 20 ms
never UNIT         this unit never answers, the others do
half               half an answer, then the connection is closed
flood              the first request is answered with bytes without an end
duplicate          each answer comes twice
refuse-then-serve [MS]  connections are refused for so long (1000)
"""
import argparse
import asyncio
import json
import random
import signal
import socket
import struct
import sys

ADDRESSES = 65536
READS = (1, 2, 3, 4)
# Bytes of a request in RTU, unit and checksum included; those of 15 and 16 say themselves.
RTU_LENGTH = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10}
MOST_PDU = 253


class Refused(Exception):
    """An exception response."""


class Memory:
    """What all units share: coils, discrete inputs, holding and input registers."""

    def __init__(self):
        self.written = {}

    def read(self, area, address, count):
        default = (lambda n: int(n % 3 == 0)) if area <= 2 else (lambda n: n)
        return [self.written.get((area, n), default(n)) for n in range(address, address + count)]

    def write(self, area, address, values):
        self.written.update({(area, n): value for n, value in enumerate(values, address)})


def check(count, most, address):
    if not 1 <= count <= most:
        raise Refused(3)
    if address + count > ADDRESSES:
        raise Refused(2)


def packed_bits(values):
    out = bytearray((len(values) + 7) // 8)
    for n, value in enumerate(values):
        out[n // 8] |= (1 if value else 0) << (n % 8)
    return bytes(out)


def execute(memory, pdu):
    """The answer's PDU."""
    function = pdu[0]
    try:
        if function not in (*READS, 5, 6, 15, 16, 22):
            raise Refused(1)
        address, second = struct.unpack_from(">HH", pdu, 1)
        if function in READS:
            check(second, 2000 if function <= 2 else 125, address)
            values = memory.read(function, address, second)
            data = packed_bits(values) if function <= 2 else struct.pack(f">{second}H", *values)
            return bytes([function, len(data)]) + data
        if function == 5:
            if second not in (0, 0xFF00):
                raise Refused(3)
            memory.write(1, address, [int(second == 0xFF00)])
        elif function == 6:
            memory.write(3, address, [second])
        elif function == 15:
            check(second, 1968, address)
            memory.write(1, address, [pdu[6 + n // 8] >> (n % 8) & 1 for n in range(second)])
        elif function == 16:
            check(second, 123, address)
            memory.write(3, address, struct.unpack_from(f">{second}H", pdu, 6))
        else:
            (or_mask,) = struct.unpack_from(">H", pdu, 5)
            (old,) = memory.read(3, address, 1)
            memory.write(3, address, [(old & second) | (or_mask & ~second & 0xFFFF)])
            return pdu[:7]
        return pdu[:5]
    except Refused as refused:
        return bytes([function | 0x80, refused.args[0]])
    except (struct.error, IndexError):
        return bytes([function | 0x80, 3])


def crc(data):
    out = 0xFFFF
    for byte in data:
        out ^= byte
        for _ in range(8):
            out = (out >> 1) ^ 0xA001 if out & 1 else out >> 1
    return struct.pack("<H", out)


class TcpFrames:
    """Modbus TCP: transaction identifier, protocol 0, length, unit."""

    @staticmethod
    def cut(buffer):
        """(transaction, unit, pdu) of the first whole request, which is taken out; None when there is none."""
        if len(buffer) < 7:
            return None
        transaction, _, length, unit = struct.unpack_from(">HHHB", buffer)
        if not 2 <= length <= MOST_PDU + 1:
            raise ValueError("length")
        if len(buffer) < 6 + length:
            return None
        pdu = bytes(buffer[7:6 + length])
        del buffer[:6 + length]
        return transaction, unit, pdu

    @staticmethod
    def join(transaction, unit, pdu):
        return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(pdu) + 1, unit) + pdu


class RtuFrames:
    """RTU over TCP: unit, PDU, checksum; no identifiers."""

    @staticmethod
    def cut(buffer):
        if len(buffer) < 2:
            return None
        length = RTU_LENGTH.get(buffer[1])
        if length is None and buffer[1] in (15, 16):
            if len(buffer) < 7:
                return None
            length = 9 + buffer[6]
        if length is None:
            raise ValueError("function")
        if len(buffer) < length:
            return None
        frame = bytes(buffer[:length])
        del buffer[:length]
        if crc(frame[:-2]) != frame[-2:]:
            raise ValueError("checksum")
        return 0, frame[0], frame[1:-2]

    @staticmethod
    def join(_transaction, unit, pdu):
        frame = bytes([unit]) + pdu
        return frame + crc(frame)


class Rogue:
    """One line of each mode's misbehaviour: what is done with a request and its right answer."""

    def __init__(self, mode, arguments, frames, counting_file):
        self.frames = frames
        self.memory = Memory()
        self.number = int(arguments[0]) if arguments else None
        self.answer = getattr(self, mode.replace("-", "_"))
        self.random = random.Random(1)
        self.was_late = False
        self.waiting = {}  # writer -> answers that are held back
        self.tasks = set()
        self.file = open(counting_file, "a", encoding="utf-8", buffering=1) if counting_file else None

    def later(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connection(self, reader, writer):
        buffer = bytearray()
        try:
            while data := await reader.read(4096):
                buffer += data
                while request := self.next_request(buffer):
                    transaction, unit, pdu = request
                    self.count(unit, pdu)
                    await self.answer(writer, transaction, unit, execute(self.memory, pdu))
        except ConnectionError:
            pass
        finally:
            self.waiting.pop(writer, None)
            writer.close()

    def next_request(self, buffer):
        try:
            return self.frames.cut(buffer)
        except ValueError:
            buffer.clear()
            return None

    def count(self, unit, pdu):
        if self.file:
            address, second = struct.unpack_from(">HH", pdu.ljust(5, b"\0"), 1)
            self.file.write(f"{unit} {pdu[0]} {address} {second if pdu[0] in (*READS, 15, 16) else 1}\n")

    async def after(self, milliseconds, writer, frame):
        await asyncio.sleep(milliseconds / 1000)
        if not writer.is_closing():
            writer.write(frame)

    async def serve(self, writer, transaction, unit, pdu):
        writer.write(self.frames.join(transaction, unit, pdu))

    refuse_then_serve = serve

    async def late(self, writer, transaction, unit, pdu):
        self.later(self.after(self.number, writer, self.frames.join(transaction, unit, pdu)))

    async def late_once(self, writer, transaction, unit, pdu):
        if self.was_late:
            return await self.serve(writer, transaction, unit, pdu)
        self.was_late = True
        self.later(self.after(self.number or 1500, writer, self.frames.join(transaction, unit, pdu)))

    async def out_of_order(self, writer, transaction, unit, pdu):
        held = self.waiting.setdefault(writer, [])
        held.append(self.frames.join(transaction, unit, pdu))
        if len(held) == 1:
            self.later(self.release(writer))

    async def release(self, writer):
        await asyncio.sleep(0.1)
        for frame in reversed(self.waiting.pop(writer, [])):
            writer.write(frame)

    async def garbage(self, writer, transaction, unit, pdu):
        noise = self.random.randbytes(self.random.randint(1, 40))
        writer.write(self.frames.join(transaction, unit, pdu) + noise)

    async def wrong_unit(self, writer, transaction, unit, pdu):
        writer.write(self.frames.join(transaction, (unit + 1) % 256, pdu) + self.frames.join(transaction, unit, pdu))

    async def wrong_id(self, writer, transaction, unit, pdu):
        writer.write(self.frames.join(transaction + 1, unit, pdu) + self.frames.join(transaction, unit, pdu))

    async def byte_by_byte(self, writer, transaction, unit, pdu):
        for byte in self.frames.join(transaction, unit, pdu):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    async def never(self, writer, transaction, unit, pdu):
        if unit != self.number:
            await self.serve(writer, transaction, unit, pdu)

    async def half(self, writer, transaction, unit, pdu):
        frame = self.frames.join(transaction, unit, pdu)
        writer.write(frame[:len(frame) // 2])
        await writer.drain()
        writer.close()

    async def flood(self, writer, _transaction, _unit, _pdu):
        noise = self.random.randbytes(4096)
        while True:
            writer.write(noise)
            await writer.drain()

    async def duplicate(self, writer, transaction, unit, pdu):
        writer.write(self.frames.join(transaction, unit, pdu) * 2)


NEEDS_NUMBER = ("late", "never")
TAKES_NUMBER = (*NEEDS_NUMBER, "late-once", "refuse-then-serve")
MODES = (*TAKES_NUMBER, "serve", "out-of-order", "garbage", "wrong-unit", "wrong-id", "byte-by-byte", "half", "flood",
         "duplicate")


def options():
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 = any that is free")
    out.add_argument("--mode", nargs="+", default=["serve"], metavar=("MODE", "NUMBER"))
    out.add_argument("--rtu", action="store_true", help="RTU frames over TCP")
    out.add_argument("--counting-file", metavar="FILE", help="gets a line for each request: unit function address count")
    given = out.parse_args()
    mode, *numbers = given.mode
    if mode not in MODES:
        out.error(f"{mode} is none of {', '.join(MODES)}")
    if (mode in NEEDS_NUMBER and not numbers) or len(numbers) > (mode in TAKES_NUMBER):
        out.error(f"{mode} takes {'a number' if mode in TAKES_NUMBER else 'none'}")
    if not all(number.isdigit() for number in numbers):
        out.error(f"{numbers[0]} is no number")
    if mode == "wrong-id" and given.rtu:
        out.error("RTU frames have no identifiers")
    return given


async def main():
    given = options()
    mode, *numbers = given.mode
    rogue = Rogue(mode, numbers, RtuFrames if given.rtu else TcpFrames, given.counting_file)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", given.port))
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    if mode == "refuse-then-serve":
        # Bound, but nobody listens: the kernel refuses.
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped], timeout=(rogue.number or 1000) / 1000)
    server = await asyncio.start_server(rogue.connection, sock=listener)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
