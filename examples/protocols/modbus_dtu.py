#!/usr/bin/python3
"""A DTU with a Modbus RTU device behind it (modbus-rtu/docs/protocol.md).

usage: modbus_dtu.py PORT ID PASSWORD [--split] [--silent]   (--split: replies come in pieces; --silent: none come)
Prints a line for each thing that happens: "registered", "read 0 4", "write 16 215", "closed". Registers from 100 on
do not exist: asking for them is answered with exception 2. A setpoint above 30.0 degrees is refused with exception 3.
"""
import socket
import struct
import sys
import time

registers = {0: 0xFF85, 1: 455, 2: 1, 3: 0x86A0, 16: 200, 17: 0, 18: 5}  # -12.3 degrees, 45.5 %, 1000 kWh
MOST_SETPOINT = 300


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def sealed(data):
    return data + struct.pack("<H", crc16(data))


def say(text):
    print(text, flush=True)


def exception(unit, function, code):
    return sealed(bytes([unit, function | 0x80, code]))


def write(address, values):
    """None when it is done, else the exception's code."""
    if address == 16 and struct.unpack(">h", struct.pack(">H", values[0]))[0] > MOST_SETPOINT:
        return 3
    for offset, value in enumerate(values):
        if address + offset >= 100:
            return 2
        registers[address + offset] = value
    say(f"write {address} " + " ".join(str(value) for value in values))
    return None


def reply(request):
    unit, function, address, count = struct.unpack_from(">BBHH", request)
    if function == 3:
        say(f"read {address} {count}")
        if address + count > 100:
            return exception(unit, function, 2)
        values = [registers.get(address + i, 0) for i in range(count)]
        return sealed(bytes([unit, function, 2 * count]) + struct.pack(f">{count}H", *values))
    values = [count] if function == 6 else struct.unpack_from(f">{count}H", request, 7)
    wrong = write(address, values)
    return exception(unit, function, wrong) if wrong else sealed(request[:6])


def size_of_request(data):
    if len(data) < 7:
        return 0
    return 9 + data[6] if data[1] == 16 else 8


def main():
    port, device, password, *options = sys.argv[1:]
    sock = socket.create_connection(("127.0.0.1", int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(f"{device},{password}\r\n".encode())
    say("registered")
    received = b""
    while data := sock.recv(4096):
        received += data
        size = size_of_request(received)
        if not size or len(received) < size:
            continue
        request, received = received[:size], received[size:]
        if crc16(request[:-2]) != struct.unpack("<H", request[-2:])[0] or "--silent" in options:
            continue
        answer = reply(request)
        pieces = [answer[:1], answer[1:4], answer[4:]] if "--split" in options else [answer]
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.02)  # so that the pieces are segments of their own
    say("closed")


if __name__ == "__main__":
    try:
        main()
    except ConnectionError:
        say("closed")
