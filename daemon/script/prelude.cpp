#include "daemon/script/prelude.hpp"

namespace jl::script {

namespace {
// What framing scripts and programs have in common.
constexpr const char* kCommon = R"js("use strict";
const {stringify, parse} = JSON;
const text = String, number = Number, array = Array, now = Date.now, DateOf = Date, MapOf = Map;
const define = (name, value) => Object.defineProperty(global, name,
    {value: value, writable: true, configurable: true, enumerable: false});
const count = (n, most) => {
  n = Math.trunc(number(n)) || 0;
  if (n < 0 || n > most) throw new RangeError("a length of " + n + ", at most " + most);
  return n;
};

// --- strings of any length are made in one step: not too long ones -------------------------------------------------
const kMostText = 2 * 1024 * 1024;
const call = Function.prototype.call;
const uncurry = call.bind.bind(call);
const repeat = uncurry(String.prototype.repeat);
const patch = (object, name, made) => Object.defineProperty(object, name, {value: made});
patch(String.prototype, "repeat", function repeat_(n) {
  const self = text(this), times = number(n);
  if (self.length * times > kMostText) throw new RangeError("a string of more than 2 Mi characters");
  return repeat(self, times);
});
for (const name of ["padStart", "padEnd"]) {
  const pad = uncurry(String.prototype[name]);
  patch(String.prototype, name, function(n, filler) {
    const length = number(n);
    if (length > kMostText) throw new RangeError("a string of more than 2 Mi characters");
    return filler === undefined ? pad(text(this), length) : pad(text(this), length, text(filler));
  });
}

// --- console: {} takes the next argument -------------------------------------------------------------------------------
const slice = uncurry(String.prototype.slice), find = uncurry(String.prototype.indexOf);
const ErrorOf = Error;
const is_plain = value => typeof value === "object" && value !== null && !value.getUnsignedByte &&
    !(value instanceof ErrorOf);
const show = native.show ?? (value => slice(text(is_plain(value) ? stringify(value) : text(value)), 0, 1024));
const format = parts => {
  if (parts.length === 0) return "";
  let rest = show(parts[0]), line = "", used = 1;
  while (used < parts.length) {
    const at = find(rest, "{}");
    if (at < 0) break;
    line += slice(rest, 0, at) + show(parts[used++]);
    rest = slice(rest, at + 2);
  }
  return line + rest;
};
const logger = level => (...parts) => { native.log(level, format(parts)); };
define("console", {log: logger(0), trace: logger(0), debug: logger(0), info: logger(1), warn: logger(2),
                   error: logger(3)});

// --- numbers in byte arrays --------------------------------------------------------------------------------------------
const made = native.bytes ?? (bytes => bytes);
const signed = byte => (byte << 24) >> 24;
const load = (most, little) => (bytes, off, len) => {
  const start = off === undefined ? 0 : off | 0;
  const size = Math.min(len === undefined ? bytes.length - start : len | 0, most);
  if (start < 0 || size < 0 || start + size > bytes.length) {
    throw new RangeError(size + " bytes at index " + start + " of " + bytes.length + " bytes");
  }
  let high = 0, low = 0;  // 32 bits each
  for (let i = 0; i < size; i++) {
    high = high * 256 + Math.floor(low / 16777216);
    low = (low % 16777216) * 256 + (bytes[little ? start + size - 1 - i : start + i] & 255);
  }
  return most === 4 ? low | 0 : (high | 0) * 4294967296 + low;
};
const store = (size, little) => value => {
  let rest = Math.trunc(number(value)) || 0;
  const bytes = [];
  for (let i = 0; i < size; i++) {
    const byte = ((rest % 256) + 256) % 256;
    bytes.push(signed(byte));
    rest = (rest - byte) / 256;
  }
  return made(little ? bytes : bytes.reverse());
};
const BytesUtils = {
  leToInt: load(4, true), leToLong: load(8, true), beToInt: load(4, false), beToLong: load(8, false),
  // Their names say the opposite; devices' scripts rely on what they do.
  highBytesToInt: load(4, true), highBytesToLong: load(8, true),
  lowBytesToInt: load(4, false), lowBytesToLong: load(8, false),
  shortToLe: store(2, true), shortToBe: store(2, false), intToLe: store(4, true), intToBe: store(4, false),
  longToLe: store(8, true), longToBe: store(8, false),
  reverse: bytes => bytes.reverse(),
};
)js";

constexpr const char* kFraming = R"js(define("print", logger(0));
define("echo", logger(0));

// --- Java --------------------------------------------------------------------------------------------------------------
class JavaMap {
  constructor() { this.map = new MapOf(); }
  put(key, value) { const old = this.get(key); this.map.set(key, value); return old; }
  get(key) { return this.map.has(key) ? this.map.get(key) : null; }
  getOrDefault(key, other) { return this.map.has(key) ? this.map.get(key) : other; }
  containsKey(key) { return this.map.has(key); }
  remove(key) { const old = this.get(key); this.map.delete(key); return old; }
  size() { return this.map.size; }
  isEmpty() { return this.map.size === 0; }
  clear() { this.map.clear(); }
  keySet() { return array.from(this.map.keys()); }
  values() { return array.from(this.map.values()); }
  toJSON() { return Object.fromEntries(this.map); }
}
class JavaList {
  constructor() { this.list = []; }
  add(value) { this.list.push(value); return true; }
  get(index) {
    if (!(index >= 0 && index < this.list.length)) throw new RangeError("index " + index + " of a list");
    return this.list[index];
  }
  size() { return this.list.length; }
  isEmpty() { return this.list.length === 0; }
  contains(value) { return this.list.includes(value); }
  clear() { this.list.length = 0; }
  toArray() { return this.list.slice(); }
  toJSON() { return this.list; }
  [Symbol.iterator]() { return this.list[Symbol.iterator](); }
}
const types = new MapOf([
  ["org.jetlinks.core.utils.BytesUtils", BytesUtils],
  ["org.jetlinks.pro.network.utils.BytesUtils", BytesUtils],
  ["org.jetlinks.community.network.utils.BytesUtils", BytesUtils],
  ["java.lang.String", String], ["java.util.HashMap", JavaMap], ["java.util.LinkedHashMap", JavaMap],
  ["java.util.concurrent.ConcurrentHashMap", JavaMap], ["java.util.ArrayList", JavaList],
  ["java.util.LinkedList", JavaList],
]);
const typeOf = MapOf.prototype.get.bind(types);
define("Java", {
  type: name => {
    const found = typeOf(text(name));
    if (found === undefined) throw new Error('Java.type("' + slice(text(name), 0, 128) + '") is not available');
    return found;
  },
  from: value => value, to: value => value,
});
const network = {network: {utils: {BytesUtils}}};
define("org", {jetlinks: {core: {utils: {BytesUtils}}, pro: network, community: network}});

// --- utils -------------------------------------------------------------------------------------------------------------
const zeros = n => new array(count(n, 1048576)).fill(0);
const two = value => (value < 10 ? "0" : "") + value;
const stamp = pattern => {
  const date = new DateOf(now());
  const parts = {
    yyyy: text(date.getFullYear()), MM: two(date.getMonth() + 1), dd: two(date.getDate()), HH: two(date.getHours()),
    mm: two(date.getMinutes()), ss: two(date.getSeconds()), SSS: ("00" + date.getMilliseconds()).slice(-3),
  };
  return slice(text(pattern), 0, 64).replace(/yyyy|MM|dd|HH|mm|ss|SSS/g, part => parts[part]);
};
define("utils", {
  now: pattern => pattern === undefined ? now() : stamp(pattern),
  newByteArray: zeros, newIntArray: zeros, newLongArray: zeros,
  newMap: () => new JavaMap(), newList: () => new JavaList(),
  toJavaType: value => value, toJsonString: value => stringify(value), parseJson: value => parse(value),
  max: Math.max, min: Math.min,
  sha1Hex: value => native.digest("SHA1", value), md5Hex: value => native.digest("MD5", value),
});

// --- what does nothing -------------------------------------------------------------------------------------------------
for (const name of ["eval", "exit", "quit", "readFully", "readLine"]) define(name, () => undefined);
const FunctionOf = Function;
const nothing = function Function() {};
nothing.prototype = FunctionOf.prototype;  // for instanceof
define("Function", nothing);
)js";
}  // namespace

const std::string& framing_prelude() {
  static const std::string text = std::string(kCommon) + kFraming;
  return text;
}

const std::string& program_prelude() {
  static const std::string text = std::string(kCommon) + kProgram;
  return text;
}

}  // namespace jl::script
