// Frames: 0x68 | length u16 | type u8 | address 6 bytes BCD | body | CRC16-Modbus u16 | 0x16
// The length counts what follows it; the checksum covers all before it. Numbers are big endian.
const START = 0x68, END = 0x16;
const HEAD = 3, AROUND_BODY = 1 + 6 + 2 + 1;

// {type, address as 12 digits, body as a Reader} of a frame's bytes.
export function unpack(bytes) {
  const reader = new Reader(bytes);
  if (reader.u8() !== START) throw new Error("a frame starts with 0x68");
  const length = reader.u16();
  if (length !== reader.remaining || length < AROUND_BODY) throw new RangeError(`a length of ${length} is wrong`);
  const type = reader.u8();
  const address = reader.bcd(6);
  const body = new Reader(reader.bytes(length - AROUND_BODY));
  if (reader.u16() !== crc.crc16Modbus(bytes.subarray(0, bytes.length - 3))) throw new Error("the checksum is wrong");
  if (reader.u8() !== END) throw new Error("a frame ends with 0x16");
  return {type, address, body};
}

// The bytes of a frame; `body` is a Writer.
export function pack(type, address, body) {
  const content = body.toBytes();
  const frame = new Writer().u8(START).u16(content.length + AROUND_BODY).u8(type).bcd(address, 6).bytes(content);
  return frame.u16(crc.crc16Modbus(frame.toBytes())).u8(END).toBytes();
}
