// Reader: bytes from front to back.
#include "daemon/script/bytes.hpp"
#include "daemon/script/charsets.hpp"
#include "daemon/script/engine.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/numbers.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
// The bytes are looked up at each step: they may be the script's, and what it does with them is its own affair.
enum Slot : std::size_t { kBytes, kPosition, kLittle, kSlots };
constexpr JSClass kClass = {"Reader", JSCLASS_HAS_RESERVED_SLOTS(kSlots), nullptr, nullptr, nullptr, nullptr};

/// A call of a Reader's method.
class Step {
 public:
  Step(JSContext* cx, unsigned argc, JS::Value* vp) : cx_(cx), args_(JS::CallArgsFromVp(argc, vp)), reader_(cx) {}

  /// False, with an exception, when `this` is no Reader. Reader.prototype is of the class as well, without bytes.
  bool on_reader() {
    if (!args_.thisv().isObject() || JS::GetClass(&args_.thisv().toObject()) != &kClass ||
        !JS::GetReservedSlot(&args_.thisv().toObject(), kBytes).isObject()) {
      return throw_type(cx_, "this is no Reader");
    }
    reader_ = &args_.thisv().toObject();
    return true;
  }
  [[nodiscard]] std::string_view all(const JS::AutoRequireNoGC& nogc) const {
    return bytes_in_place(JS::GetReservedSlot(reader_, kBytes), nogc);
  }
  [[nodiscard]] std::size_t length() const {
    const JS::AutoCheckCannotGC nogc(cx_);
    return all(nogc).size();
  }
  [[nodiscard]] std::size_t position() const {
    return static_cast<std::size_t>(JS::GetReservedSlot(reader_, kPosition).toInt32());
  }
  bool move(std::size_t position) {
    JS::SetReservedSlot(reader_, kPosition, JS::Int32Value(static_cast<std::int32_t>(position)));
    return true;
  }
  [[nodiscard]] bool little() const { return JS::GetReservedSlot(reader_, kLittle).toBoolean(); }
  /// Whether `size` bytes are left; throws.
  bool has(std::size_t size) { return has(position(), size); }
  bool has(std::size_t at, std::size_t size) {
    const std::size_t length = this->length();
    if (at <= length && size <= length - at) return true;
    return throw_range(cx_, fmt::format("{} byte{} at offset {} {} outside of {} bytes", size, size == 1 ? "" : "s", at,
                                        size == 1 ? "is" : "are", length));
  }
  /// A count of bytes as argument 0, that are there.
  bool count(const char* what, std::size_t& size) {
    double number = 0;
    if (!whole_number(cx_, args_.get(0), what, 0, static_cast<double>(kMostBytes), number)) return false;
    size = static_cast<std::size_t>(number);
    return has(size);
  }
  /// Copies the next bytes and moves on.
  std::string take(std::size_t size) {
    const JS::AutoCheckCannotGC nogc(cx_);
    std::string bytes(all(nogc).substr(position(), size));
    move(position() + size);
    return bytes;
  }

  JSContext* cx() const { return cx_; }
  JS::CallArgs& args() { return args_; }

 private:
  JSContext* cx_;
  JS::CallArgs args_;
  JS::RootedObject reader_;
};

enum class Order : std::uint8_t { own, little, big };

bool next_bits(Step& step, std::size_t size, Order order, std::uint64_t& bits) {
  if (!step.on_reader() || !step.has(size)) return false;
  const JS::AutoCheckCannotGC nogc(step.cx());
  const bool little = order == Order::own ? step.little() : order == Order::little;
  const char* at = step.all(nogc).data() + step.position();
  bits = load_bits(reinterpret_cast<const std::uint8_t*>(at), size, little);
  return true;
}

template <Number kNumber, std::size_t kSize, Order kOrder>
bool number(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::uint64_t bits = 0;
  if (!next_bits(step, kSize, kOrder, bits)) return false;
  double value = 0;
  if constexpr (kNumber == Number::real) {
    // A NaN of the peer must not become a pointer: only the canonical one is a Value.
    value = JS::CanonicalizeNaN(real_bits(bits, kSize));
  } else if constexpr (kNumber == Number::natural) {
    value = static_cast<double>(bits);
  } else {
    value = static_cast<double>(signed_bits(bits, kSize));
  }
  if (kSize == 8 && kNumber != Number::real && (value > kMostExact || value < -kMostExact)) {
    return throw_range(cx, fmt::format("the 64-bit number at offset {} is beyond 2^53: use {}64text()", step.position(),
                                       kNumber == Number::natural ? "u" : "i"));
  }
  step.args().rval().setNumber(value);
  return step.move(step.position() + kSize);
}

template <Number kNumber, Order kOrder>
bool number_text(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::uint64_t bits = 0;
  if (!next_bits(step, 8, kOrder, bits)) return false;
  step.move(step.position() + 8);
  return return_text(cx, step.args(),
                     kNumber == Number::natural ? fmt::to_string(bits) : fmt::to_string(signed_bits(bits, 8)));
}

bool bcd(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::size_t size = 0;
  if (!step.on_reader() || !step.count("bcd()", size)) return false;
  const std::size_t start = step.position();
  const std::string bytes = step.take(size);
  std::string digits;
  if (const std::size_t bad = append_bcd_digits(bytes, digits); bad < bytes.size()) {
    step.move(start);
    return throw_range(
        cx, fmt::format("byte 0x{:02X} at offset {} is not BCD", static_cast<unsigned char>(bytes[bad]), start + bad));
  }
  return return_text(cx, step.args(), digits);
}

bool hex(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::size_t size = 0;
  return step.on_reader() && step.count("hex()", size) && return_text(cx, step.args(), to_hex(step.take(size)));
}

bool text(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::size_t size = 0;
  Encoding encoding{};
  if (!step.on_reader() || !encoding_of(cx, step.args().get(1), encoding) || !step.count("text()", size)) return false;
  JSString* string = decode_text(cx, step.take(size), encoding);
  if (string != nullptr) step.args().rval().setString(string);
  return string != nullptr;
}

bool bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::size_t size = 0;
  return step.on_reader() && step.count("bytes()", size) && return_bytes(cx, step.args(), step.take(size));
}

bool rest(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  return step.on_reader() && step.has(0) && return_bytes(cx, step.args(), step.take(step.length() - step.position()));
}

bool skip(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  std::size_t size = 0;
  if (!step.on_reader() || !step.count("skip()", size)) return false;
  step.args().rval().set(step.args().thisv());
  return step.move(step.position() + size);
}

bool seek(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  double to = 0;
  if (!step.on_reader() || !whole_number(cx, step.args().get(0), "seek()", 0, kMostBytes, to)) return false;
  if (!step.has(static_cast<std::size_t>(to), 0)) return false;
  step.args().rval().set(step.args().thisv());
  return step.move(static_cast<std::size_t>(to));
}

bool peek(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  double ahead = 0;
  if (!step.on_reader()) return false;
  if (step.args().length() > 0 && !whole_number(cx, step.args()[0], "peek()", 0, kMostBytes, ahead)) return false;
  const std::size_t at = step.position() + static_cast<std::size_t>(ahead);
  if (!step.has(at, 1)) return false;
  const JS::AutoCheckCannotGC nogc(cx);
  step.args().rval().setInt32(static_cast<unsigned char>(step.all(nogc)[at]));
  return true;
}

enum class Fact : std::uint8_t { position, length, remaining };
template <Fact kFact>
bool fact(JSContext* cx, unsigned argc, JS::Value* vp) {
  Step step(cx, argc, vp);
  if (!step.on_reader()) return false;
  const std::size_t position = step.position();
  const std::size_t length = step.length();
  const std::size_t left = length > position ? length - position : 0;
  const std::size_t value = kFact == Fact::position ? position : kFact == Fact::length ? length : left;
  step.args().rval().setInt32(static_cast<std::int32_t>(value));
  return true;
}

bool construct(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (!args.isConstructing()) return throw_type(cx, "new Reader(bytes)");
  return new_reader(cx, args.get(0), args.get(1), args.rval());
}

#define JL_ORDERS(name, kind, size)                                        \
  JS_FN(name, (number<Number::kind, size, Order::own>), 0, 0),             \
      JS_FN(name "le", (number<Number::kind, size, Order::little>), 0, 0), \
      JS_FN(name "be", (number<Number::kind, size, Order::big>), 0, 0)
#define JL_TEXTS(name, kind)                                              \
  JS_FN(name, (number_text<Number::kind, Order::own>), 0, 0),             \
      JS_FN(name "le", (number_text<Number::kind, Order::little>), 0, 0), \
      JS_FN(name "be", (number_text<Number::kind, Order::big>), 0, 0)
constexpr JSFunctionSpec kMethods[] = {JS_FN("u8", (number<Number::natural, 1, Order::own>), 0, 0),
                                       JS_FN("i8", (number<Number::integer, 1, Order::own>), 0, 0),
                                       JL_ORDERS("u16", natural, 2),
                                       JL_ORDERS("i16", integer, 2),
                                       JL_ORDERS("u24", natural, 3),
                                       JL_ORDERS("i24", integer, 3),
                                       JL_ORDERS("u32", natural, 4),
                                       JL_ORDERS("i32", integer, 4),
                                       JL_ORDERS("u64", natural, 8),
                                       JL_ORDERS("i64", integer, 8),
                                       JL_ORDERS("f32", real, 4),
                                       JL_ORDERS("f64", real, 8),
                                       JL_TEXTS("u64text", natural),
                                       JL_TEXTS("i64text", integer),
                                       JS_FN("bcd", bcd, 1, 0),
                                       JS_FN("hex", hex, 1, 0),
                                       JS_FN("text", text, 2, 0),
                                       JS_FN("bytes", bytes, 1, 0),
                                       JS_FN("rest", rest, 0, 0),
                                       JS_FN("skip", skip, 1, 0),
                                       JS_FN("seek", seek, 1, 0),
                                       JS_FN("peek", peek, 1, 0),
                                       JS_FS_END};
#undef JL_TEXTS
#undef JL_ORDERS
constexpr JSPropertySpec kProperties[] = {JS_PSG("position", fact<Fact::position>, 0),
                                          JS_PSG("length", fact<Fact::length>, 0),
                                          JS_PSG("remaining", fact<Fact::remaining>, 0), JS_PS_END};
}  // namespace

JSObject* define_reader(JSContext* cx, JS::HandleObject global) {
  return JS_InitClass(cx, global, nullptr, &kClass, construct, 1, kProperties, kMethods, nullptr, nullptr);
}

bool new_reader(JSContext* cx, JS::HandleValue bytes, JS::HandleValue options, JS::MutableHandleValue reader) {
  bool little = false;
  JS::RootedValue held(cx, bytes);
  if (!is_little(cx, options, little)) return false;
  if (!holds_bytes(bytes)) {
    std::string copy;
    if (!copy_bytes(cx, bytes, "Reader", copy)) return false;
    JSObject* array = new_bytes(cx, copy);
    if (array == nullptr) return false;
    held.setObject(*array);
  }
  const auto& realm = static_cast<ProgramRealm&>(*Engine::of(cx).running_realm());
  const JS::RootedObject prototype(cx, realm.prototype(Kind::reader));
  JSObject* object = JS_NewObjectWithGivenProto(cx, &kClass, prototype);
  if (object == nullptr) return false;
  JS::SetReservedSlot(object, kBytes, held);
  JS::SetReservedSlot(object, kPosition, JS::Int32Value(0));
  JS::SetReservedSlot(object, kLittle, JS::BooleanValue(little));
  reader.setObject(*object);
  return true;
}

}  // namespace jl::script
