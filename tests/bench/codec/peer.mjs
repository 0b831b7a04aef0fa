// The decode() of a package, run by node: peer.mjs MAIN.JS MESSAGES SECONDS [TOPIC]
// MESSAGES holds one payload per line in hex. What decode() returns becomes JSON text, as in jlinkd.
// Prints "RATE CPU_MICROSECONDS CALLS".
import {readFileSync} from "node:fs";

const [main, messages, seconds, topic = ""] = process.argv.slice(2);
const payloads = readFileSync(messages, "utf8").trim().split("\n").map(line => Uint8Array.from(Buffer.from(line, "hex")));

// What the two packages use of jlinkd's objects (examples/protocols/FORMAT.md).
globalThis.Reader = class {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
  }
  move(size) {
    const at = this.position;
    this.position += size;
    return at;
  }
  u8() { return this.view.getUint8(this.move(1)); }
  u16() { return this.view.getUint16(this.move(2)); }
  u32() { return this.view.getUint32(this.move(4)); }
  i16() { return this.view.getInt16(this.move(2)); }
  i32() { return this.view.getInt32(this.move(4)); }
  f32() { return this.view.getFloat32(this.move(4)); }
  skip(size) { this.move(size); }
  bcd(size) {
    let digits = "";
    for (let at = this.move(size); at < this.position; at++) {
      digits += String(this.bytes[at] >> 4) + String(this.bytes[at] & 15);
    }
    return digits;
  }
};
const table = Uint16Array.from({length: 256}, (_, byte) => {
  let remainder = byte << 8;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 0x8000 ? (remainder << 1) ^ 0x1021 : remainder << 1;
  return remainder;
});
globalThis.crc = {
  crc16Ccitt(bytes) {
    let remainder = 0xffff;
    for (const byte of bytes) remainder = ((remainder << 8) & 0xffff) ^ table[(remainder >> 8) ^ byte];
    return remainder;
  },
};
const utf8 = new TextDecoder();
class Message {
  constructor(payload) {
    this.payload = payload;
    this.topic = topic;
  }
  json() { return JSON.parse(utf8.decode(this.payload)); }
}

// A module that is called main.js, without a package.json.
const {decode} = await import(`data:text/javascript,${encodeURIComponent(readFileSync(main, "utf8"))}`);
let calls = 0;
function run(until) {
  while (performance.now() < until) {
    for (let i = 0; i < 64; i++, calls++) {
      const text = JSON.stringify(decode({message: new Message(payloads[calls % payloads.length])}));
      if (!text.includes("REPORT_PROPERTY")) throw new Error(text);
    }
  }
}
run(performance.now() + 500);
calls = 0;
const start = performance.now(), before = process.cpuUsage();
run(start + seconds * 1000);
const {user, system} = process.cpuUsage(before);
const took = (performance.now() - start) / 1000;
console.log(`${Math.round(calls / took)} ${((user + system) / calls).toFixed(2)} ${calls}`);
