#!/usr/bin/python3
"""A Modbus slave that misbehaves, for the system tests.

usage: modbus_rogue.py PORT MODES [--rtu]
Registers hold their own address. How a request is answered is read from the file MODES when it comes; the first line
that fits its unit counts: "UNIT WORD [N]", UNIT may be *.
  good         as it should be
  late MS      so much later
  reorder N    when N requests wait, or after 100 ms, the last one first
  bytes        one byte after the other
  twice        two times
  never        not at all
  half         the first half of the frame, then nothing more
  short        one register too few
  unit         by another unit
  function     to another function
  id           with another transaction id
  garbage      bytes that are no frame
  noise        bytes that are no frame, then the answer
  close        by closing the connection
  flood        and then frames of another unit, as fast as they are taken
Prints "ready", "open N" and "close N" (N = connections now), "request UNIT FUNCTION ADDRESS COUNT", and "release N"
when N answers that were held back go out.
"""
import asyncio
import struct
import sys

port, modes, rtu = int(sys.argv[1]), sys.argv[2], "--rtu" in sys.argv
connections = 0


def say(*words):
    print(*words, flush=True)


def mode_of(unit):
    with open(modes, encoding="ascii") as lines:
        for line in lines:
            who, word, *rest = line.split()
            if who in ("*", str(unit)):
                return word, int(rest[0]) if rest else 0
    return "good", 0


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def frame(number, unit, pdu):
    if rtu:
        return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)
    return struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu


def answer(function, first, count):
    if function in (1, 2):
        return bytes([function, (count + 7) // 8]) + bytes((count + 7) // 8)
    if function in (3, 4):
        return struct.pack(f">BB{count}H", function, 2 * count, *(n & 0xFFFF for n in range(first, first + count)))
    return struct.pack(">BHH", function, first, count)  # what 5, 6, 15 and 16 answer


async def request(reader):
    """Returns number, unit, function, address and count of the next request."""
    if rtu:
        head = await reader.readexactly(6)
        unit, function, first, count = struct.unpack(">BBHH", head)
        size = 2
        if function in (15, 16):
            size += (await reader.readexactly(1))[0]
        await reader.readexactly(size)
        return 0, unit, function, first, count
    number, _, size, unit = struct.unpack(">HHHB", await reader.readexactly(7))
    pdu = await reader.readexactly(size - 1)
    return number, unit, *struct.unpack(">BHH", pdu[:5])


async def flood(writer, stray):
    while not writer.is_closing():
        writer.write(stray * 200)
        await writer.drain()


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.held, self.timer = reader, writer, [], None

    def release(self):
        say("release", len(self.held))
        for right in reversed(self.held):
            self.writer.write(right)
        self.held = []

    def hold(self, right, most):
        self.held.append(right)
        if self.timer:
            self.timer.cancel()
        if len(self.held) >= most:
            self.release()
        else:
            self.timer = asyncio.get_running_loop().call_later(0.1, self.release)

    async def reply(self, number, unit, function, first, count):
        word, amount = mode_of(unit)
        right = frame(number, unit, answer(function, first, count))
        noise = b"\xa5" * 23
        instead = {
            "good": right,
            "twice": right * 2,
            "never": b"",
            "half": right[: len(right) // 2],
            "short": frame(number, unit, answer(function, first, count - 1)),
            "unit": frame(number, (unit + 1) % 256, answer(function, first, count)),
            "function": frame(number, unit, answer(7 - function, first, count)),
            "id": frame((number + 7) & 0xFFFF, unit, answer(function, first, count)),
            "garbage": noise,
            "noise": noise + right,
        }
        if word == "late":
            asyncio.get_running_loop().call_later(amount / 1000, self.writer.write, right)
        elif word == "reorder":
            self.hold(right, amount)
        elif word == "bytes":
            for byte in right:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(0.002)
        elif word == "close":
            self.writer.close()
        elif word == "flood":
            self.writer.write(right)
            await flood(self.writer, frame(number, (unit + 1) % 256, answer(function, first, count)))
        else:
            self.writer.write(instead[word])

    async def run(self):
        while True:
            asked = await request(self.reader)
            say("request", *asked[1:])
            await self.reply(*asked)


async def serve(reader, writer):
    global connections
    connections += 1
    say("open", connections)
    try:
        await Connection(reader, writer).run()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
        connections -= 1
        say("close", connections)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    say("ready")
    await server.serve_forever()


asyncio.run(main())
