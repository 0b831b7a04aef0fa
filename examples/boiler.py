#!/usr/bin/python3
"""A boiler on Modbus TCP, for examples/modbus: boiler.py PORT

30001  water temperature in tenths of a degree; goes towards the setpoint while the pump runs
40001  setpoint, float32
40003  operating hours, uint32, low word first
00001  pump
"""
import asyncio
import logging
import struct
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

COIL, HOLDING, INPUT = 1, 3, 4
boiler = ModbusSlaveContext(
    co=ModbusSequentialDataBlock(0, [1]),
    hr=ModbusSequentialDataBlock(0, [*struct.unpack(">HH", struct.pack(">f", 60.0)), 12345 & 0xFFFF, 12345 >> 16]),
    ir=ModbusSequentialDataBlock(0, [553]),
    zero_mode=True,
)


async def heat():
    while True:
        await asyncio.sleep(0.2)
        setpoint = struct.unpack(">f", struct.pack(">HH", *boiler.getValues(HOLDING, 0, 2)))[0] * 10
        now = boiler.getValues(INPUT, 0)[0]
        if boiler.getValues(COIL, 0)[0] and abs(setpoint - now) >= 1:
            boiler.setValues(INPUT, 0, [now + (1 if setpoint > now else -1)])


async def main():
    heating = asyncio.ensure_future(heat())
    await StartAsyncTcpServer(ModbusServerContext(boiler), address=("127.0.0.1", int(sys.argv[1])))
    await heating


logging.disable()  # a client that leaves is an error to pymodbus
asyncio.run(main())
