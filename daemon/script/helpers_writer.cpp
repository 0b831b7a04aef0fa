// Writer: bytes that grow at their end.
#include "daemon/script/bytes.hpp"
#include "daemon/script/charsets.hpp"
#include "daemon/script/engine.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/numbers.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace jl::script {

namespace {
// The room is a Uint8Array that the script never sees: the engine counts it as the script's memory.
enum Slot : std::size_t { kRoom, kLength, kLittle, kSlots };
constexpr JSClass kClass = {"Writer", JSCLASS_HAS_RESERVED_SLOTS(kSlots), nullptr, nullptr, nullptr, nullptr};
constexpr std::size_t kFirstRoom = 64;

/// A call of a Writer's method.
class Step {
 public:
  Step(JSContext* cx, unsigned argc, JS::Value* vp) : cx_(cx), args_(JS::CallArgsFromVp(argc, vp)), writer_(cx) {}

  /// False, with an exception, when `this` is no Writer. Writer.prototype is of the class as well, without a room.
  bool on_writer() {
    if (!args_.thisv().isObject() || JS::GetClass(&args_.thisv().toObject()) != &kClass ||
        !JS::GetReservedSlot(&args_.thisv().toObject(), kRoom).isObject()) {
      return throw_type(cx_, "this is no Writer");
    }
    writer_ = &args_.thisv().toObject();
    return true;
  }
  [[nodiscard]] std::size_t length() const {
    return static_cast<std::size_t>(JS::GetReservedSlot(writer_, kLength).toInt32());
  }
  [[nodiscard]] bool little() const { return JS::GetReservedSlot(writer_, kLittle).toBoolean(); }
  [[nodiscard]] std::string_view written(const JS::AutoRequireNoGC& nogc) const {
    return bytes_in_place(JS::GetReservedSlot(writer_, kRoom), nogc).substr(0, length());
  }
  bool append(std::string_view bytes) {
    const std::size_t start = length();
    if (!reserve(start + bytes.size())) return false;
    JS::SetReservedSlot(writer_, kLength, JS::Int32Value(static_cast<std::int32_t>(start + bytes.size())));
    return put(start, bytes);
  }
  /// Bytes at an offset that is written already: argument 0.
  bool patch(std::string_view bytes) {
    double at = 0;
    if (!whole_number(cx_, args_.get(0), "an offset", 0, static_cast<double>(kMostBytes), at)) return false;
    const auto start = static_cast<std::size_t>(at);
    if (start > length() || bytes.size() > length() - start) {
      return throw_range(cx_,
                         fmt::format("{} bytes at offset {} are outside of {} bytes", bytes.size(), start, length()));
    }
    return put(start, bytes);
  }

  JSContext* cx() const { return cx_; }
  JS::CallArgs& args() { return args_; }

 private:
  bool put(std::size_t at, std::string_view bytes) {
    const JS::AutoCheckCannotGC nogc(cx_);
    std::size_t size = 0;
    std::uint8_t* room = writable_bytes(&JS::GetReservedSlot(writer_, kRoom).toObject(), size, nogc);
    if (room != nullptr && at + bytes.size() <= size && !bytes.empty()) {
      std::memcpy(room + at, bytes.data(), bytes.size());
    }
    args_.rval().set(args_.thisv());
    return true;
  }
  bool reserve(std::size_t size) {
    std::size_t room = 0;
    {
      const JS::AutoCheckCannotGC nogc(cx_);
      room = bytes_in_place(JS::GetReservedSlot(writer_, kRoom), nogc).size();
    }
    if (size <= room) return true;
    if (size > kMostBytes) return throw_range(cx_, fmt::format("a Writer of more than {} MiB", kMostBytes >> 20u));
    const JS::RootedObject grown(cx_, JS_NewUint8Array(cx_, std::min(kMostBytes, std::max(size, room * 2))));
    if (!grown) return false;
    {
      const JS::AutoCheckCannotGC nogc(cx_);
      const std::string_view old = written(nogc);
      std::size_t fresh = 0;
      std::uint8_t* to = writable_bytes(grown, fresh, nogc);
      if (to != nullptr && !old.empty()) std::memcpy(to, old.data(), old.size());
    }
    JS::SetReservedSlot(writer_, kRoom, JS::ObjectValue(*grown));
    return true;
  }

  JSContext* cx_;
  JS::CallArgs args_;
  JS::RootedObject writer_;
};

enum class Order : std::uint8_t { own, little, big };

template <Number kNumber, std::size_t kSize>
constexpr double most_of() {
  if (kSize == 8) return kNumber == Number::natural ? 18446744073709549568.0 : 9223372036854774784.0;
  const double range = static_cast<double>(std::uint64_t{1} << (8 * kSize % 64));
  return kNumber == Number::natural ? range - 1 : range / 2 - 1;
}
template <Number kNumber, std::size_t kSize>
constexpr double least_of() {
  if (kNumber == Number::natural) return 0;
  return kSize == 8 ? -9223372036854775808.0 : -most_of<kNumber, kSize>() - 1;
}

/// u64 and i64 also take decimal text, for what a Number cannot hold.
template <Number kNumber>
bool bits_of_text(JSContext* cx, JS::HandleValue value, std::uint64_t& bits) {
  std::string text;
  if (!encode(cx, value, Charset::utf8, text)) return false;
  const char* end = text.data() + text.size();
  std::from_chars_result read{};
  if constexpr (kNumber == Number::natural) {
    read = std::from_chars(text.data(), end, bits);
  } else {
    std::int64_t number = 0;
    read = std::from_chars(text.data(), end, number);
    bits = static_cast<std::uint64_t>(number);
  }
  if (read.ec == std::errc{} && read.ptr == end && !text.empty()) return true;
  return throw_range(cx, fmt::format("\"{}\" is no 64-bit number", one_line(text, 32)));
}

template <Number kNumber, std::size_t kSize>
bool bits_of(JSContext* cx, JS::HandleValue value, const char* name, std::uint64_t& bits) {
  if constexpr (kNumber == Number::real) {
    if (!value.isNumber()) return throw_type(cx, fmt::format("{}() takes a number", name));
    bits = bits_of_real(value.toNumber(), kSize);
    return true;
  } else {
    if (kSize == 8 && value.isString()) return bits_of_text<kNumber>(cx, value, bits);
    double number = 0;
    if (!whole_number(cx, value, name, least_of<kNumber, kSize>(), most_of<kNumber, kSize>(), number)) return false;
    bits =
        number < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(number)) : static_cast<std::uint64_t>(number);
    return true;
  }
}

constexpr const char* name_of(Number number, std::size_t size) {
  constexpr const char* kNames[3][9] = {{"", "u8", "u16", "u24", "u32", "", "", "", "u64"},
                                        {"", "i8", "i16", "i24", "i32", "", "", "", "i64"},
                                        {"", "", "", "", "f32", "", "", "", "f64"}};
  return kNames[static_cast<std::size_t>(number)][size];
}

template <Number kNumber, std::size_t kSize, Order kOrder, bool kPatch>
bool number(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::uint64_t bits = 0;
  if (!step.on_writer()) return false;
  if (!bits_of<kNumber, kSize>(cx, step.args().get(kPatch ? 1 : 0), name_of(kNumber, kSize), bits)) return false;
  std::uint8_t bytes[kSize];
  store_bits(bits, bytes, kSize, kOrder == Order::own ? step.little() : kOrder == Order::little);
  const std::string_view text(reinterpret_cast<const char*>(bytes), kSize);
  return kPatch ? step.patch(text) : step.append(text);
}

bool bcd(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::string bytes;
  return step.on_writer() && bcd_argument(cx, step.args(), bytes) && step.append(bytes);
}

bool hex(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::string text;
  if (!step.on_writer() || !text_argument(cx, step.args().get(0), "hex()", text)) return false;
  const auto bytes = from_hex(text);
  return bytes ? step.append(*bytes) : throw_range(cx, "hex() takes pairs of hexadecimal digits");
}

bool text(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  Encoding encoding{};
  std::string bytes;
  return step.on_writer() && encoding_of(cx, step.args().get(1), encoding) &&
         encode_text(cx, step.args().get(0), encoding, bytes) && step.append(bytes);
}

bool to_bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  if (!step.on_writer()) return false;
  std::string copy;
  {
    const JS::AutoCheckCannotGC nogc(cx);
    copy = step.written(nogc);
  }
  return return_bytes(cx, step.args(), copy);
}

bool bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  if (argc == 0) return to_bytes(cx, argc, vp);
  Step step(cx, argc, vp);
  std::string added;
  return step.on_writer() && copy_bytes(cx, step.args().get(0), "bytes()", added) && step.append(added);
}

bool set_bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::string added;
  return step.on_writer() && copy_bytes(cx, step.args().get(1), "setBytes()", added) && step.patch(added);
}

bool fill(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  double size = 0;
  double byte = 0;
  if (!step.on_writer() || !whole_number(cx, step.args().get(0), "fill()", 0, static_cast<double>(kMostBytes), size)) {
    return false;
  }
  if (step.args().length() > 1 && !whole_number(cx, step.args()[1], "fill()", 0, 255, byte)) return false;
  return step.append(std::string(static_cast<std::size_t>(size), static_cast<char>(static_cast<unsigned char>(byte))));
}

bool length(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  if (!step.on_writer()) return false;
  step.args().rval().setInt32(static_cast<std::int32_t>(step.length()));
  return true;
}

bool construct(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (!args.isConstructing()) return throw_type(cx, "new Writer()");
  bool little = false;
  if (!is_little(cx, args.get(0), little)) return false;
  const JS::RootedObject room(cx, JS_NewUint8Array(cx, kFirstRoom));
  if (!room) return false;
  const auto& realm = static_cast<ProgramRealm&>(*Engine::of(cx).running_realm());
  const JS::RootedObject prototype(cx, realm.prototype(Kind::writer));
  JSObject* writer = JS_NewObjectWithGivenProto(cx, &kClass, prototype);
  if (writer == nullptr) return false;
  JS::SetReservedSlot(writer, kRoom, JS::ObjectValue(*room));
  JS::SetReservedSlot(writer, kLength, JS::Int32Value(0));
  JS::SetReservedSlot(writer, kLittle, JS::BooleanValue(little));
  args.rval().setObject(*writer);
  return true;
}

#define JL_ORDERS(name, kind, size, patch, arguments)                                     \
  JS_FN(name, (number<Number::kind, size, Order::own, patch>), arguments, 0),             \
      JS_FN(name "le", (number<Number::kind, size, Order::little, patch>), arguments, 0), \
      JS_FN(name "be", (number<Number::kind, size, Order::big, patch>), arguments, 0)
#define JL_BOTH(name, capital, kind, size) \
  JL_ORDERS(name, kind, size, false, 1), JL_ORDERS("set" capital, kind, size, true, 2)
constexpr JSFunctionSpec kMethods[] = {JL_BOTH("u8", "U8", natural, 1),
                                       JL_BOTH("i8", "I8", integer, 1),
                                       JL_BOTH("u16", "U16", natural, 2),
                                       JL_BOTH("i16", "I16", integer, 2),
                                       JL_BOTH("u24", "U24", natural, 3),
                                       JL_BOTH("i24", "I24", integer, 3),
                                       JL_BOTH("u32", "U32", natural, 4),
                                       JL_BOTH("i32", "I32", integer, 4),
                                       JL_BOTH("u64", "U64", natural, 8),
                                       JL_BOTH("i64", "I64", integer, 8),
                                       JL_BOTH("f32", "F32", real, 4),
                                       JL_BOTH("f64", "F64", real, 8),
                                       JS_FN("bcd", bcd, 2, 0),
                                       JS_FN("hex", hex, 1, 0),
                                       JS_FN("text", text, 2, 0),
                                       JS_FN("bytes", bytes, 1, 0),
                                       JS_FN("setBytes", set_bytes, 2, 0),
                                       JS_FN("fill", fill, 2, 0),
                                       JS_FN("toBytes", to_bytes, 0, 0),
                                       JS_FS_END};
#undef JL_BOTH
#undef JL_ORDERS
constexpr JSPropertySpec kProperties[] = {JS_PSG("length", length, 0), JS_PS_END};
}  // namespace

JSObject* define_writer(JSContext* cx, JS::HandleObject global) {
  return JS_InitClass(cx, global, nullptr, &kClass, construct, 1, kProperties, kMethods, nullptr, nullptr);
}

}  // namespace jl::script
