// Electricity meter over TCP; docs/protocol.md describes its frames.
import {pack, unpack} from "./lib/frame.js";
import {propertyByNumber, propertyByName} from "./lib/properties.js";
import {messageOf, numberOf} from "./lib/waiting.js";

const LOGIN = 0x01, REPORT = 0x02, ALARM = 0x03, READ = 0x04, WRITE = 0x05, INVOKE = 0x06;
const REPLY = 0x80; // set in the type of an answer
const FINE = 0;
const ALARMS = {1: "overvoltage", 2: "undervoltage", 3: "cover opened"};
const RESULTS = {1: "not allowed", 2: "no such number", 3: "value out of range"};
const SWITCH = 1; // number of the function

// Called for each frame; returns the device messages that are in it.
export function decode(ctx) {
  const {type, address, body} = unpack(ctx.message.payload);
  if (type === LOGIN) return login(ctx, address, body);
  // Until a login was answered with a message, nobody has proven anything.
  if (!ctx.device) {
    ctx.close();
    throw new Error(`${address} has not logged in`);
  }
  if (address !== ctx.device.id) throw new Error(`a frame of ${address} on the connection of ${ctx.device.id}`);

  switch (type) {
    case REPORT:
      return {messageType: "REPORT_PROPERTY", deviceId: address, properties: readValues(body)};
    case ALARM: {
      const code = body.u8();
      const data = {code, reason: ALARMS[code] ?? "unknown", voltage: body.u16() / 10};
      return {messageType: "EVENT", deviceId: address, event: "alarm", data};
    }
    case READ | REPLY:
    case WRITE | REPLY:
    case INVOKE | REPLY:
      return reply(ctx, type, body);
    default:
      throw new Error(`frame type 0x${type.toString(16)} is not known`);
  }
}

// Called for each command; returns the bytes that the meter gets.
export function encode(ctx) {
  const {messageType} = ctx.message;
  const address = ctx.device.id;
  switch (messageType) {
    case "READ_PROPERTY": {
      const asked = ctx.message.properties.map(propertyByName);
      const body = new Writer().u16(numberOf(ctx)).u8(asked.length);
      for (const property of asked) body.u8(property.number);
      return pack(READ, address, body);
    }
    case "WRITE_PROPERTY": {
      const given = Object.entries(ctx.message.properties);
      const body = new Writer().u16(numberOf(ctx)).u8(given.length);
      for (const [name, value] of given) propertyByName(name).write(body, value);
      return pack(WRITE, address, body);
    }
    case "INVOKE_FUNCTION": {
      const {functionId} = ctx.message;
      if (functionId !== "switch") throw new Error(`a meter has no function "${functionId}"`);
      const on = inputOf(ctx.message, "on");
      return pack(INVOKE, address, new Writer().u16(numberOf(ctx)).u8(SWITCH).u8(on ? 1 : 0));
    }
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${messageType} is not supported`);
  }
}

// The meter shows that it knows the password without sending it: HMAC-SHA256(password, address | nonce).
function login(ctx, address, body) {
  const nonce = body.bytes(8);
  const given = body.hex(32);
  const password = ctx.getDevice(address)?.config("password");
  const expected = password && hex.encode(hmac.sha256(password, new Writer().bcd(address, 6).bytes(nonce).toBytes()));
  const fine = Boolean(expected) && given === expected;
  ctx.send(pack(LOGIN | REPLY, address, new Writer().u8(fine ? FINE : 1)));
  if (fine) return {messageType: "ONLINE", deviceId: address};
  console.warn("login of {} is refused", address);
  ctx.close();
}

function reply(ctx, type, body) {
  const command = messageOf(ctx, body.u16());
  if (!command) return console.warn("an answer to nothing that was asked");
  const result = body.u8();
  const message = {
    messageType: `${command.messageType}_REPLY`, deviceId: ctx.device.id, messageId: command.messageId,
    success: result === FINE,
  };
  if (result !== FINE) return {...message, code: `E${result}`, message: RESULTS[result] ?? "refused"};
  if (type === (READ | REPLY) || type === (WRITE | REPLY)) return {...message, properties: readList(body)};
  return {...message, functionId: command.functionId, output: body.u8() ? "closed" : "open"};
}

// A report has the three measured values, always in this order.
function readValues(body) {
  return Object.fromEntries([1, 2, 3].map(number => {
    const property = propertyByNumber(number);
    return [property.name, property.read(body)];
  }));
}

// Answers say which values they have.
function readList(body) {
  const values = {};
  for (let left = body.u8(); left > 0; left--) {
    const property = propertyByNumber(body.u8());
    values[property.name] = property.read(body);
  }
  return values;
}

// Inputs come as a list [{name, value}], or as an object.
function inputOf(message, name) {
  const {inputs} = message;
  return Array.isArray(inputs) ? inputs.find(input => input.name === name)?.value : inputs?.[name];
}
