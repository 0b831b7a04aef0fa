// Modbus RTU behind a DTU; docs/protocol.md describes it. The gateway is the master: nothing comes unasked, and one
// request is under way at a time.
import {registerOf, spanOf} from "./lib/registers.js";
import * as rtu from "./lib/rtu.js";

const PATIENCE = 5000; // milliseconds for the whole of a command

// Called for whatever TCP brings: a part of a frame, a frame, or more.
export function decode(ctx) {
  if (!ctx.device) return register(ctx);
  const {state} = ctx.session;
  const job = currentJob(ctx);
  // Nobody asked: a DTU's heartbeat, or an answer that comes too late.
  if (!job) return;
  state.received = (state.received ?? "") + hex.encode(ctx.message.payload);
  const bytes = hex.decode(state.received);
  const size = rtu.sizeOfReply(bytes);
  if (size === 0 || bytes.length < size) return;

  state.received = "";
  const answer = rtu.readReply(bytes.subarray(0, size), hex.decode(job.requests.shift()));
  if (answer.error) return finish(ctx, {success: false, code: answer.code, message: answer.error});
  if (job.requests.length > 0) return ctx.send(hex.decode(job.requests[0]));
  const properties = job.asked ? valuesOf(job, answer.data) : job.properties;
  return finish(ctx, {success: true, properties});
}

// Called for each command; returns the first request that it takes.
export function encode(ctx) {
  const {messageType, messageId} = ctx.message;
  if (messageType === "DISCONNECT") return ctx.close();
  const job = {messageId, messageType, at: ctx.now(), ...jobOf(ctx)};
  if (currentJob(ctx)) {
    const message = "another command is under way";
    return ctx.reply({messageType: `${messageType}_REPLY`, deviceId: ctx.device.id, messageId, success: false, code: "BUSY", message});
  }
  ctx.session.state = {job};
  return hex.decode(job.requests[0]);
}

// The registration packet, "ID,PASSWORD" and a line end, says whose connection it is.
function register(ctx) {
  const [, id, password] = /^([\w.-]{1,64}),([^\r\n]{1,64})\r?\n$/.exec(ctx.message.text()) ?? [];
  const expected = id && ctx.getDevice(id)?.config("password");
  if (expected && password === expected) return {messageType: "ONLINE", deviceId: id};
  ctx.close();
  if (!id) throw new Error("the first packet must be a registration");
  console.warn("registration of {} is refused", id);
}

function jobOf(ctx) {
  const unit = Number(ctx.device.config("unit") ?? 1);
  const {messageType, properties} = ctx.message;
  switch (messageType) {
    case "READ_PROPERTY": {
      const {address, count} = spanOf(properties);
      return {asked: properties, address, requests: [hex.encode(rtu.readRequest(unit, address, count))]};
    }
    case "WRITE_PROPERTY": {
      const requests = Object.entries(properties).map(([name, value]) => {
        const register = registerOf(name);
        return hex.encode(rtu.writeRequest(unit, register.address, register.write(value)));
      });
      return {properties, requests};
    }
    default:
      throw new Error(`${messageType} is not supported`);
  }
}

// The command that waits for its answer, unless it has waited too long.
function currentJob(ctx) {
  const {job} = ctx.session.state;
  return job && ctx.now() - job.at <= PATIENCE ? job : undefined;
}

function finish(ctx, result) {
  const {messageType, messageId} = ctx.session.state.job;
  ctx.session.state = {};
  return {messageType: `${messageType}_REPLY`, deviceId: ctx.device.id, messageId, ...result};
}

function valuesOf(job, data) {
  return Object.fromEntries(job.asked.map(name => {
    const register = registerOf(name);
    return [name, register.read(new Reader(data).seek((register.address - job.address) * 2))];
  }));
}
