"""Decodes the frames of frame/main.js: peer.py MESSAGES SECONDS; MESSAGES holds one per line in hex.

struct and binascii do the work in C. Prints "RATE CPU_MICROSECONDS CALLS".
"""
import binascii
import json
import struct
import sys
import time

START, END, REPORT = 0x68, 0x16, 0x02
FRAME = struct.Struct(">BHB6sIHBIHIifhHB")


def decode(frame: bytes) -> dict:
    (start, length, kind, address, seconds, _number, _state, energy, voltage, current, power, frequency, factor,
     checksum, end) = FRAME.unpack(frame)
    if start != START or end != END or length != len(frame) - 3 or kind != REPORT:
        raise ValueError("no report")
    if checksum != binascii.crc_hqx(frame[:-3], 0xFFFF):
        raise ValueError("the checksum is wrong")
    properties = {"energy": energy / 100, "voltage": voltage / 10, "current": current / 1000, "power": power,
                  "frequency": frequency, "factor": factor / 1000}
    return {"messageType": "REPORT_PROPERTY", "deviceId": address.hex(), "timestamp": seconds * 1000,
            "properties": properties}


def run(frames: list, seconds: float) -> tuple:
    calls, start, before = 0, time.monotonic(), time.process_time()
    while (took := time.monotonic() - start) < seconds:
        for frame in frames:
            if "REPORT_PROPERTY" not in json.dumps(decode(frame)):
                raise ValueError(frame.hex())
        calls += len(frames)
    return calls / took, (time.process_time() - before) / calls * 1e6, calls


with open(sys.argv[1], encoding="ascii") as messages:
    payloads = [bytes.fromhex(line) for line in messages]
run(payloads, 0.5)
print("{:.0f} {:.2f} {}".format(*run(payloads, float(sys.argv[2]))))
