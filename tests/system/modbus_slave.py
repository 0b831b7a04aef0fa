#!/usr/bin/python3
"""A Modbus slave for the system tests, made with pymodbus: an independent implementation of the protocol.

Registers hold their own address, bits are set where the address is divisible by 3, until somebody writes them. Units
have memories of their own; those that are not listed do not answer. Unit 0 is all of them, without an answer.
Prints {"port": N} or {"serial": PATH} on standard output when it is ready, and ends on SIGTERM.
"""
import argparse
import asyncio
import json
import logging
import signal
import ssl

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.datastore.store import BaseModbusDataBlock
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server.async_io import (
    ModbusConnectedRequestHandler,
    ModbusSerialServer,
    ModbusSingleRequestHandler,
    ModbusTcpServer,
    ModbusTlsServer,
)

ADDRESSES = 65536
BIT_AREAS = (1, 2)
# The areas as pymodbus calls them, by the function that reads them.
AREAS = {1: "co", 2: "di", 3: "hr", 4: "ir"}


class Area(BaseModbusDataBlock):
    """One data area: a rule, and what was written over it."""

    def __init__(self, function, illegal):
        self.function = function
        self.illegal = [places for area, places in illegal if area == function]
        self.written = {}

    def validate(self, address, count=1):
        if address < 0 or count < 1 or address + count > ADDRESSES:
            return False
        return not any(address < last + 1 and first < address + count for first, last in self.illegal)

    def getValues(self, address, count=1):
        return [self.written.get(n, n % 3 == 0 if self.function in BIT_AREAS else n)
                for n in range(address, address + count)]

    def setValues(self, address, values):
        if not isinstance(values, (list, tuple)):
            values = [values]
        self.written.update(enumerate(values, address))


class Counter:
    """Appends a line for each request: unit function address count."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def count(self, request):
        if self.file:
            address = getattr(request, "address", 0)
            self.file.write(f"{request.unit_id} {request.function_code} {address} {getattr(request, 'count', 1)}\n")


def counting(base, counter):
    """The handler of pymodbus, with its requests counted, whether their unit exists or not."""

    class Counting(base):
        def execute(self, request, *addr):
            counter.count(request)
            super().execute(request, *addr)

    return Counting


def places(text):
    """--illegal 3:110-119, or 3:110"""
    area, _, both = text.partition(":")
    first, _, last = both.partition("-")
    if int(area) not in AREAS:
        raise ValueError(text)
    return int(area), (int(first), int(last or first))


def options():
    out = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 = any that is free")
    out.add_argument("--rtu-over-tcp", action="store_true", help="RTU frames instead of those of Modbus TCP")
    out.add_argument("--serial", metavar="PATH", help="RTU on a serial device instead of TCP")
    out.add_argument("--baud", type=int, default=9600)
    out.add_argument("--parity", choices="NEO", default="N")
    out.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="Modbus TCP within TLS")
    out.add_argument("--client-ca", metavar="FILE", help="clients need a certificate of this authority")
    out.add_argument("--units", default="1", help="1,2,3")
    out.add_argument("--illegal", type=places, action="append", default=[], metavar="AREA:FIRST-LAST",
                     help="addresses of an area (1 to 4) that are answered with exception 2")
    out.add_argument("--counting-file", metavar="FILE", help="gets a line for each request")
    return out.parse_args()


def context_of(given):
    def slave():
        areas = {name: Area(function, given.illegal) for function, name in AREAS.items()}
        return ModbusSlaveContext(zero_mode=True, **areas)

    return ModbusServerContext(slaves={int(unit): slave() for unit in given.units.split(",")}, single=False)


def tls_context(given):
    out = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    out.load_cert_chain(*given.tls)
    if given.client_ca:
        out.load_verify_locations(given.client_ca)
        out.verify_mode = ssl.CERT_REQUIRED
    return out


async def start(given):
    """A running server and what to print about it."""
    counter = Counter(given.counting_file)
    common = {"ignore_missing_slaves": True, "broadcast_enable": True}
    if given.serial:
        server = ModbusSerialServer(context_of(given), ModbusRtuFramer, port=given.serial, baudrate=given.baud,
                                    parity=given.parity, handler=counting(ModbusSingleRequestHandler, counter),
                                    **common)
        try:
            await server.start()
        except OSError as error:
            raise SystemExit(str(error)) from None
        if server.transport is None:
            raise SystemExit(f"{given.serial} cannot be opened")
        return server, {"serial": given.serial}
    common |= {"handler": counting(ModbusConnectedRequestHandler, counter), "allow_reuse_address": True}
    address = ("127.0.0.1", given.port)
    if given.tls:
        # pymodbus' own framer for TLS leaves the header out; the standard keeps it (Modbus/TCP Security 6).
        server = ModbusTlsServer(context_of(given), ModbusSocketFramer, None, address, tls_context(given), **common)
    else:
        framer = ModbusRtuFramer if given.rtu_over_tcp else ModbusSocketFramer
        server = ModbusTcpServer(context_of(given), framer, None, address, **common)
    start.task = asyncio.create_task(server.serve_forever())
    await server.serving
    return server, {"port": server.server.sockets[0].getsockname()[1]}


async def main():
    given = options()
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    server, ready = await start(given)
    print(json.dumps(ready), flush=True)
    await stop.wait()
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
