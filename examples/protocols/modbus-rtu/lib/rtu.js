// Modbus RTU: unit u8 | function u8 | data | CRC-16/MODBUS u16, low byte first. Everything else is big endian.
const READ = 3, WRITE_ONE = 6, WRITE_MANY = 16, EXCEPTION = 0x80;
const EXCEPTIONS = {
  1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "server device failure",
  5: "acknowledge", 6: "server device busy", 8: "memory parity error", 10: "gateway path unavailable",
  11: "gateway target device failed to respond",
};

const sealed = writer => writer.u16le(crc.crc16Modbus(writer.toBytes())).toBytes();

export function readRequest(unit, address, count) {
  return sealed(new Writer().u8(unit).u8(READ).u16(address).u16(count));
}

// `data` is what the registers get, two bytes each.
export function writeRequest(unit, address, data) {
  const writer = new Writer().u8(unit);
  if (data.length === 2) return sealed(writer.u8(WRITE_ONE).u16(address).bytes(data));
  return sealed(writer.u8(WRITE_MANY).u16(address).u16(data.length / 2).u8(data.length).bytes(data));
}

// How many bytes the reply has that begins like this; 0 while that is not known.
export function sizeOfReply(bytes) {
  if (bytes.length < 2) return 0;
  if (bytes[1] & EXCEPTION) return 5;
  if (bytes[1] !== READ) return 8;
  return bytes.length < 3 ? 0 : 5 + bytes[2];
}

// What a whole reply says to a request: {data} or {code, error}.
export function readReply(bytes, request) {
  if (crc.crc16Modbus(bytes.subarray(0, bytes.length - 2)) !== new Reader(bytes).seek(bytes.length - 2).u16le()) {
    return {code: "CRC", error: "the checksum of the reply is wrong"};
  }
  const [unit, code, detail] = bytes;
  if (unit !== request[0] || (code & ~EXCEPTION) !== request[1]) {
    return {code: "REPLY", error: `a reply of unit ${unit} with function ${code} to another request`};
  }
  if (code & EXCEPTION) return {code: `MODBUS_${detail}`, error: EXCEPTIONS[detail] ?? `exception ${detail}`};
  if (code !== READ) return {data: bytes.subarray(2, 6)};
  if (detail !== request[5] * 2) return {code: "REPLY", error: `a reply of ${detail} bytes to another request`};
  return {data: bytes.subarray(3, 3 + detail)};
}
