#!/usr/bin/python3
"""Modbus slaves for the system tests: a pymodbus server, which was not written here.

usage: modbus_slave.py PORT [--units 1,2] [--rtu] [--refuse FUNCTION:FIRST-LAST:CODE]...
                       [--tls CERT KEY [--clients CA]]
       modbus_slave.py --serial DEVICE [--baud N] [--units 1,2] [--refuse ...]
Registers hold their own address; of the bits those at odd addresses are on. Units that are not listed never answer.
--rtu: RTU frames over TCP. --refuse: that exception where a request of that function (0 = any) touches the addresses.
--clients: only clients whose certificate CA has signed.
Prints "ready", and one line per thing that happens: "open N" and "close N" (N = connections now), "client NAME" (of a
client's certificate), "request UNIT FUNCTION ADDRESS COUNT". Ends with SIGTERM.
"""
import argparse
import asyncio
import logging
import ssl
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import (
    ModbusConnectedRequestHandler,
    ModbusSerialServer,
    ModbusSingleRequestHandler,
    ModbusTcpServer,
    ModbusTlsServer,
)
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

SIZE = 65536


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", nargs="?", type=int)
    parser.add_argument("--units", default="1")
    parser.add_argument("--rtu", action="store_true")
    parser.add_argument("--serial")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--refuse", action="append", default=[])
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--clients")
    return parser.parse_args()


def say(*words):
    print(*words, flush=True)


def refusal(text):
    function, places, code = text.split(":")
    first, _, last = places.partition("-")
    return int(function), int(first), int(last or first), int(code)


args = arguments()
refusals = [refusal(text) for text in args.refuse]
units = [int(unit) for unit in args.units.split(",")]


def memory():
    registers, bits = list(range(SIZE)), [n % 2 == 1 for n in range(SIZE)]
    return ModbusSlaveContext(
        di=ModbusSequentialDataBlock(0, bits[:]),
        co=ModbusSequentialDataBlock(0, bits[:]),
        hr=ModbusSequentialDataBlock(0, registers[:]),
        ir=ModbusSequentialDataBlock(0, registers[:]),
        zero_mode=True,
    )


class Refusing:
    """A request that is answered with an exception, as far as pymodbus' execute() is concerned."""

    def __init__(self, request, code):
        self.__dict__.update(request.__dict__)
        self.request, self.code = request, code

    def execute(self, _context):
        return self.request.doException(self.code)


class Telling:
    """What both kinds of connection say, and refuse."""

    def execute(self, request, *addr):
        first = getattr(request, "address", 0)
        count = getattr(request, "count", 1) or 1
        say("request", request.unit_id, request.function_code, first, count)
        for function, low, high, code in refusals:
            if function in (0, request.function_code) and first <= high and low < first + count:
                request = Refusing(request, code)
                break
        super().execute(request, *addr)


class Connection(Telling, ModbusConnectedRequestHandler):
    def connection_made(self, transport):
        super().connection_made(transport)
        say("open", len(self.server.active_connections))
        certificate = transport.get_extra_info("peercert")
        if certificate:
            say("client", dict(pair[0] for pair in certificate["subject"])["commonName"])

    def connection_lost(self, call_exc):
        super().connection_lost(call_exc)
        say("close", len(self.server.active_connections))


class Wire(Telling, ModbusSingleRequestHandler):
    pass


def security():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*args.tls)
    if args.clients:
        context.load_verify_locations(args.clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def serve():
    context = ModbusServerContext(slaves={unit: memory() for unit in units}, single=False)
    # Every unit is let through to execute(), which stays silent where there is no slave.
    common = {"ignore_missing_slaves": True, "broadcast_enable": True}
    if args.serial:
        server = ModbusSerialServer(
            context, port=args.serial, baudrate=args.baud, timeout=1, handler=Wire, framer=ModbusRtuFramer, **common
        )
        await server.start()
        say("ready")
        return await server.serve_forever()
    common.update(address=("127.0.0.1", args.port), handler=Connection, allow_reuse_address=True)
    # Within TLS there is the same MBAP header as without (Modbus/TCP Security §8); pymodbus' own TLS framing has none.
    common["framer"] = ModbusRtuFramer if args.rtu else ModbusSocketFramer
    if args.tls:
        server = ModbusTlsServer(context, sslctx=security(), **common)
    else:
        server = ModbusTcpServer(context, **common)
    task = asyncio.ensure_future(server.serve_forever())
    await asyncio.wait([task, server.serving], return_when=asyncio.FIRST_COMPLETED)
    say("ready")
    return await task


logging.disable()  # every disconnection is an error to pymodbus
try:
    asyncio.run(serve())
except KeyboardInterrupt:
    sys.exit(130)
