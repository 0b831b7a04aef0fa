// Frames: 0x68 | length u16 | type u8 | address 6 bytes BCD | body | CRC-16/CCITT-FALSE u16 | 0x16
// The length counts what follows it; the checksum covers all before it. Numbers are big endian.
const START = 0x68, END = 0x16, REPORT = 0x02, READ = 0x04;
const HEAD = 3, AROUND_BODY = 1 + 6 + 2 + 1;
const NUMBERS = {energy: 1, voltage: 2, current: 3, power: 4, frequency: 5, factor: 6};

export function decode(ctx) {
  const bytes = ctx.message.payload;
  const reader = new Reader(bytes);
  if (reader.u8() !== START) throw new Error("a frame starts with 0x68");
  if (reader.u16() !== bytes.length - HEAD || bytes.length < HEAD + AROUND_BODY) throw new Error("the length is wrong");
  const type = reader.u8();
  const deviceId = reader.bcd(6);
  if (type !== REPORT) throw new Error(`frame type ${type} is not known`);
  const timestamp = reader.u32() * 1000;
  reader.skip(3); // number of the frame, state
  const properties = {
    energy: reader.u32() / 100,
    voltage: reader.u16() / 10,
    current: reader.u32() / 1000,
    power: reader.i32(),
    frequency: reader.f32(),
    factor: reader.i16() / 1000,
  };
  if (reader.u16() !== crc.crc16Ccitt(bytes.subarray(0, bytes.length - 3))) throw new Error("the checksum is wrong");
  if (reader.u8() !== END) throw new Error("a frame ends with 0x16");
  return {messageType: "REPORT_PROPERTY", deviceId, timestamp, properties};
}

export function encode(ctx) {
  const {messageType, properties} = ctx.message;
  if (messageType !== "READ_PROPERTY") throw new Error(`${messageType} is not supported`);
  const frame = new Writer().u8(START).u16(properties.length + 1 + AROUND_BODY).u8(READ).bcd(ctx.device.id, 6);
  frame.u8(properties.length);
  for (const name of properties) frame.u8(NUMBERS[name]);
  return frame.u16(crc.crc16Ccitt(frame.toBytes())).u8(END).toBytes();
}
