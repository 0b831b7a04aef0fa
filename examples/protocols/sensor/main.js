// Room sensor over MQTT; docs/protocol.md describes its topics.
const REPLIES = {get: "READ_PROPERTY_REPLY", set: "WRITE_PROPERTY_REPLY", call: "INVOKE_FUNCTION_REPLY"};

// Called when a client connects; `device` is the one that the client id names, or null.
// User name "ID;SECONDS", password sha256("ID;SECONDS;TOKEN") in hex.
export function authenticate(request, device, ctx) {
  const token = device?.config("token");
  const [id, seconds] = (request.username ?? "").split(";");
  if (!token || id !== device.id) return false;
  const skew = Number(device.config("maxSkew") ?? 300);
  if (skew !== 0 && !(Math.abs(ctx.now() / 1000 - Number(seconds)) <= skew)) {
    console.warn("the clock of {} is wrong, or this is an old user name", id);
    return false;
  }
  return request.password === hex.encode(hash.sha256(`${request.username};${token}`));
}

// Called for each message that a sensor publishes; returns the device messages that are in it. The topic names the
// sensor, and jlinkd has made sure that it is the one that sends.
export function decode(ctx) {
  const [, , deviceId, kind, event] = ctx.message.topic.split("/");
  const content = ctx.message.json();
  if (kind === "event") return {messageType: "EVENT", deviceId, event, data: content};
  if (Array.isArray(content.readings)) return content.readings.map(reading => report(deviceId, reading));
  if (content.reply) return reply(deviceId, content);
  throw new Error('a message up has "readings" or "reply"');
}

// Called for each command; returns what the sensor gets.
export function encode(ctx) {
  const {messageType, messageId: id} = ctx.message;
  switch (messageType) {
    case "READ_PROPERTY":
      return down(ctx, {id, get: ctx.message.properties});
    case "WRITE_PROPERTY":
      return down(ctx, {id, set: ctx.message.properties});
    case "INVOKE_FUNCTION":
      return down(ctx, {id, call: ctx.message.functionId, with: inputsOf(ctx.message)});
    case "DISCONNECT":
      return ctx.close();
    default:
      throw new Error(`${messageType} is not supported`);
  }
}

// Each reading is a message with the time at which it was taken.
function report(deviceId, {at, ...properties}) {
  return {messageType: "REPORT_PROPERTY", deviceId, timestamp: at, properties};
}

function reply(deviceId, {reply: kind, id, ok, error, values, output}) {
  const messageType = REPLIES[kind];
  if (!messageType) throw new Error(`a reply to "${kind}" is not known`);
  const message = {messageType, deviceId, messageId: id, success: ok === true};
  if (!message.success) return {...message, code: "sensor", message: String(error ?? "refused")};
  return kind === "call" ? {...message, output} : {...message, properties: values};
}

function down(ctx, content) {
  return {topic: `/sensor/${ctx.device.id}/down`, payload: JSON.stringify(content), qos: 1};
}

// Inputs come as a list [{name, value}], or as an object.
function inputsOf({inputs}) {
  return Array.isArray(inputs) ? Object.fromEntries(inputs.map(({name, value}) => [name, value])) : inputs ?? {};
}
