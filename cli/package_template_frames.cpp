// Packages to start from: transports that carry bytes.
#include "cli/package_template.hpp"

namespace jl::cli {

TransportTemplate tcp_template() {
  return {.transport_json = R"(
      "framing": {"parserType": "LENGTH_FIELD", "parserConfiguration": {"offset": 1, "length": 2}},)",
          .main_js = R"(// @ID@ over TCP; docs/protocol.md describes its frames.
const LOGIN = 1, REPORT = 2, READ = 3, READ_REPLY = 4, LOGIN_REPLY = 0x81;

// Called for each frame; returns the device messages that are in it.
export function decode(ctx) {
  const reader = ctx.message.reader();
  if (reader.u8() !== 0x68) throw new Error("a frame starts with 0x68");
  reader.u16(); // the length, by which the network component has cut the stream
  const type = reader.u8();
  if (type === LOGIN) return login(ctx, reader);
  if (!ctx.device) throw new Error("the first frame must be a login");

  const deviceId = ctx.device.id;
  switch (type) {
    case REPORT:
      return {messageType: "REPORT_PROPERTY", deviceId, properties: values(reader)};
    case READ_REPLY: {
      const messageId = messageOf(ctx, reader.u16());
      return {messageType: "READ_PROPERTY_REPLY", deviceId, messageId, success: true, properties: values(reader)};
    }
    default:
      throw new Error(`frame type ${type} is not known`);
  }
}

// Called for each command; returns the bytes that the device gets.
export function encode(ctx) {
  switch (ctx.message.messageType) {
    case "READ_PROPERTY":
      return frame(new Writer().u8(READ).u16(numberOf(ctx, ctx.message.messageId)).toBytes());
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${ctx.message.messageType} is not supported`);
  }
}

// The connection belongs to the device that the first message names.
function login(ctx, reader) {
  const deviceId = reader.text(reader.u8());
  const key = reader.text(reader.u8());
  const expected = ctx.getDevice(deviceId)?.config("key");
  const fine = Boolean(expected) && key === expected;
  ctx.send(frame(new Writer().u8(LOGIN_REPLY).u8(fine ? 0 : 1).toBytes()));
  if (fine) return {messageType: "ONLINE", deviceId};
  ctx.close();
}

function values(reader) {
  return {temperature: reader.i16() / 10, battery: reader.u8()};
}

function frame(body) {
  return new Writer().u8(0x68).u16(body.length).bytes(body).toBytes();
}

// Commands have ids of text, frames have numbers: the session remembers which is which, for the last 32.
function numberOf(ctx, messageId) {
  const state = ctx.session.state;
  state.number = ((state.number ?? 0) % 0xffff) + 1;
  state.waiting = [...(state.waiting ?? []), [state.number, messageId]].slice(-32);
  return state.number;
}

function messageOf(ctx, number) {
  const found = (ctx.session.state.waiting ?? []).find((entry) => entry[0] === number);
  return found ? found[1] : String(number);
}
)",
          .document = R"(# @ID@ over TCP

Numbers are big endian. A frame is 0x68, the length of its body (u16), and the body, which starts with its type (u8):

| type | from | rest of the body |
|---|---|---|
| 1 login | device | device id and key, each a length (u8) and UTF-8 text; the first frame of a connection |
| 0x81 login reply | gateway | 0 = fine, 1 = refused, and the connection ends |
| 2 report | device | temperature (i16, tenths of a degree), battery (u8, percent) |
| 3 read | gateway | number of the request (u16) |
| 4 read reply | device | that number, then as in a report |
)",
          .tests = R"([
  {
    "name": "a login with the right key is answered with 0",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}, "online": false},
    "decode": {"hex": "68 000E 01 05 6465762D31 06 736563726574"},
    "expect": {"messages": [{"messageType": "ONLINE", "deviceId": "dev-1"}], "sent": [{"hex": "68 0002 81 00"}]}
  },
  {
    "name": "a login with another key is refused",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "other"}, "online": false},
    "decode": {"hex": "68 000E 01 05 6465762D31 06 736563726574"},
    "expect": {"messages": [], "sent": [{"hex": "68 0002 81 01"}]}
  },
  {
    "name": "a report",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"hex": "68 0004 02 00D7 57"},
    "expect": {
      "messages": [
        {"messageType": "REPORT_PROPERTY", "deviceId": "dev-1", "properties": {"temperature": 21.5, "battery": 87}}
      ]
    }
  },
  {
    "name": "reading is asked by number",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "encode": {"messageType": "READ_PROPERTY", "messageId": "m-1", "deviceId": "dev-1", "properties": ["temperature"]},
    "expect": {"sent": [{"hex": "68 0003 03 0001"}]}
  },
  {
    "name": "a read reply below zero",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"hex": "68 0006 04 0007 FFF6 32"},
    "expect": {
      "messages": [
        {"messageType": "READ_PROPERTY_REPLY", "messageId": "7", "properties": {"temperature": -1, "battery": 50}}
      ]
    }
  },
  {
    "name": "a frame that ends too early",
    "transport": "TCP",
    "device": {"id": "dev-1", "productId": "@ID@"},
    "decode": {"hex": "68 0002 02 00"},
    "expect": {"error": "RangeError"}
  }
]
)"};
}

TransportTemplate udp_template() {
  return {.transport_json = "",
          .main_js = R"(// @ID@ over UDP; docs/protocol.md describes its datagrams.
const REPORT = 2, READ = 3, READ_REPLY = 4, ACK = 0x80;

// Called for each datagram; returns the device messages that are in it.
export function decode(ctx) {
  const reader = ctx.message.reader();
  const type = reader.u8();
  const deviceId = reader.text(reader.u8());
  const key = reader.text(reader.u8());

  // Anybody can send a datagram with any address, so each shows the key.
  const expected = ctx.getDevice(deviceId)?.config("key");
  if (!expected || key !== expected) {
    ctx.send(new Writer().u8(ACK | type).u8(1).toBytes());
    return [];
  }
  const message = read(ctx, type, deviceId, reader);
  ctx.send(new Writer().u8(ACK | type).u8(0).toBytes());
  return message;
}

// Called for each command; returns the bytes that the device gets, where its last datagram came from.
export function encode(ctx) {
  switch (ctx.message.messageType) {
    case "READ_PROPERTY":
      return new Writer().u8(READ).u16(numberOf(ctx, ctx.message.messageId)).toBytes();
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${ctx.message.messageType} is not supported`);
  }
}

function read(ctx, type, deviceId, reader) {
  switch (type) {
    case REPORT:
      return {messageType: "REPORT_PROPERTY", deviceId, properties: values(reader)};
    case READ_REPLY: {
      const messageId = messageOf(ctx, reader.u16());
      return {messageType: "READ_PROPERTY_REPLY", deviceId, messageId, success: true, properties: values(reader)};
    }
    default:
      throw new Error(`datagram type ${type} is not known`);
  }
}

function values(reader) {
  return {temperature: reader.i16() / 10, battery: reader.u8()};
}

// Commands have ids of text, datagrams have numbers: the session remembers which is which, for the last 32.
function numberOf(ctx, messageId) {
  const state = ctx.session.state;
  state.number = ((state.number ?? 0) % 0xffff) + 1;
  state.waiting = [...(state.waiting ?? []), [state.number, messageId]].slice(-32);
  return state.number;
}

function messageOf(ctx, number) {
  const found = (ctx.session?.state.waiting ?? []).find((entry) => entry[0] === number);
  return found ? found[1] : String(number);
}
)",
          .document = R"(# @ID@ over UDP

Numbers are big endian. What a device sends starts with the type (u8), its id and its key, each a length (u8) and UTF-8
text. Each datagram is answered with 0x80 + its type, and 0 = fine or 1 = refused (u8).

| type | from | rest |
|---|---|---|
| 2 report | device | temperature (i16, tenths of a degree), battery (u8, percent) |
| 3 read | gateway | nothing but the number of the request (u16) |
| 4 read reply | device | that number, then as in a report |
)",
          .tests = R"([
  {
    "name": "a report is acknowledged",
    "transport": "UDP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "decode": {"hex": "02 05 6465762D31 06 736563726574 00D7 57"},
    "expect": {
      "messages": [
        {"messageType": "REPORT_PROPERTY", "deviceId": "dev-1", "properties": {"temperature": 21.5, "battery": 87}}
      ],
      "sent": [{"hex": "82 00"}]
    }
  },
  {
    "name": "a report with another key is refused",
    "transport": "UDP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "other"}},
    "decode": {"hex": "02 05 6465762D31 06 736563726574 00D7 57"},
    "expect": {"messages": [], "sent": [{"hex": "82 01"}]}
  },
  {
    "name": "reading is asked by number",
    "transport": "UDP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "encode": {"messageType": "READ_PROPERTY", "messageId": "m-1", "deviceId": "dev-1", "properties": ["temperature"]},
    "expect": {"sent": [{"hex": "03 0001"}]}
  },
  {
    "name": "a read reply below zero",
    "transport": "UDP",
    "device": {"id": "dev-1", "productId": "@ID@", "config": {"key": "secret"}},
    "decode": {"hex": "04 05 6465762D31 06 736563726574 0007 FFF6 32"},
    "expect": {
      "messages": [
        {"messageType": "READ_PROPERTY_REPLY", "messageId": "7", "properties": {"temperature": -1, "battery": 50}}
      ],
      "sent": [{"hex": "84 00"}]
    }
  }
]
)"};
}

}  // namespace jl::cli
