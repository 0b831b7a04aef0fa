// cbor.encode(), cbor.decode() (RFC 8949), bounded in depth and size.
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/numbers.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

#include <cmath>

namespace jl::script {

namespace {
constexpr int kMostDepth = 64;
constexpr std::uint64_t kIndefinite = ~std::uint64_t{0};
constexpr std::uint8_t kBreak = 0xFF;

/// RFC 8949 §3.1
enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

double half(std::uint64_t bits) {
  const auto exponent = static_cast<int>((bits >> 10u) & 0x1Fu);
  const auto fraction = static_cast<double>(bits & 0x3FFu);
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000u) != 0 ? -value : value;
}

class Decoder {
 public:
  Decoder(JSContext* cx, std::string_view bytes) : cx_(cx), bytes_(bytes) {}

  bool whole(JS::MutableHandleValue value) {
    if (!item(0, value)) return false;
    return at_ == bytes_.size() || fail("has bytes after its end");
  }

 private:
  bool fail(const char* what) { return throw_range(cx_, fmt::format("cbor.decode(): offset {} {}", at_, what)); }

  bool head(std::uint8_t& major, std::uint8_t& more, std::uint64_t& argument) {
    if (at_ >= bytes_.size()) return fail("is the end of the bytes");
    const auto first = static_cast<std::uint8_t>(bytes_[at_]);
    major = first >> 5u;
    more = first & 31u;
    argument = more;
    std::size_t size = 0;
    if (more == 31) {
      argument = kIndefinite;
      if (major < kBytes || major == kTag) return fail("is malformed");
    } else if (more >= 28) {
      return fail("is malformed");
    } else if (more >= 24) {
      size = std::size_t{1} << (more - 24u);
      if (bytes_.size() - at_ - 1 < size) return fail("is cut off");
      argument = load_bits(reinterpret_cast<const std::uint8_t*>(bytes_.data()) + at_ + 1, size, false);
    }
    at_ += 1 + size;
    return true;
  }

  bool item(int depth, JS::MutableHandleValue value) {
    std::uint8_t major = 0;
    std::uint8_t more = 0;
    std::uint64_t argument = 0;
    if (depth > kMostDepth) return fail("is nested too deeply");
    if (++items_ % 1024 == 0 && !JS_CheckForInterrupt(cx_)) return false;
    if (!head(major, more, argument)) return false;
    switch (major) {
      case kUnsigned:
      case kNegative:
        return integer(major, argument, value);
      case kBytes:
      case kText:
        return string(major, argument, value);
      case kArray:
        return array(argument, depth, value);
      case kMap:
        return map(argument, depth, value);
      case kTag:
        return item(depth + 1, value);  // what it means is the program's affair
      default:
        return simple(more, argument, value);
    }
  }

  bool integer(std::uint8_t major, std::uint64_t argument, JS::MutableHandleValue value) {
    if (argument > static_cast<std::uint64_t>(kMostExact)) return fail("follows an integer beyond 2^53");
    value.setNumber(major == kUnsigned ? static_cast<double>(argument) : -1.0 - static_cast<double>(argument));
    return true;
  }

  bool take(std::uint64_t size, std::string& to) {
    if (size > bytes_.size() - at_) return fail("is cut off");
    to.append(bytes_.substr(at_, static_cast<std::size_t>(size)));
    at_ += static_cast<std::size_t>(size);
    return true;
  }

  bool string(std::uint8_t major, std::uint64_t argument, JS::MutableHandleValue value) {
    std::string bytes;
    if (argument != kIndefinite) {
      if (!take(argument, bytes)) return false;
    } else {
      while (!ends()) {  // pieces of a definite length, RFC 8949 §3.2.3
        std::uint8_t piece = 0;
        std::uint8_t more = 0;
        std::uint64_t size = 0;
        if (!head(piece, more, size)) return false;
        if (piece != major || size == kIndefinite) return fail("is malformed");
        if (!take(size, bytes)) return false;
      }
    }
    if (major == kText) {
      JSString* text = decode(cx_, bytes, Charset::utf8);
      if (text != nullptr) value.setString(text);
      return text != nullptr;
    }
    JSObject* array = new_bytes(cx_, bytes);
    if (array != nullptr) value.setObject(*array);
    return array != nullptr;
  }

  /// Whether a break is next, which is taken.
  bool ends() {
    if (at_ >= bytes_.size() || static_cast<std::uint8_t>(bytes_[at_]) != kBreak) return false;
    ++at_;
    return true;
  }

  bool array(std::uint64_t count, int depth, JS::MutableHandleValue value) {
    if (count != kIndefinite && count > bytes_.size() - at_) return fail("is cut off");
    const JS::RootedObject made(cx_, JS::NewArrayObject(cx_, 0));
    JS::RootedValue element(cx_);
    if (!made) return false;
    for (std::uint32_t i = 0; count == kIndefinite ? !ends() : i < count; ++i) {
      if (!item(depth + 1, &element)) return false;
      if (!JS_DefineElement(cx_, made, i, element, JSPROP_ENUMERATE)) return false;
    }
    value.setObject(*made);
    return true;
  }

  bool map(std::uint64_t count, int depth, JS::MutableHandleValue value) {
    if (count != kIndefinite && count > (bytes_.size() - at_) / 2) return fail("is cut off");
    const JS::RootedObject made(cx_, JS_NewPlainObject(cx_));
    JS::RootedValue key(cx_);
    JS::RootedValue member(cx_);
    JS::RootedString text(cx_);
    JS::RootedId id(cx_);
    if (!made) return false;
    for (std::uint64_t i = 0; count == kIndefinite ? !ends() : i < count; ++i) {
      if (!item(depth + 1, &key)) return false;
      if (key.isObject()) return fail("follows a key that is no text and no number");
      text = JS::ToString(cx_, key);
      // Defined, not set: "__proto__" is a member like any other.
      if (!text || !JS_StringToId(cx_, text, &id) || !item(depth + 1, &member)) return false;
      if (!JS_DefinePropertyById(cx_, made, id, member, JSPROP_ENUMERATE)) return false;
    }
    value.setObject(*made);
    return true;
  }

  bool simple(std::uint8_t more, std::uint64_t argument, JS::MutableHandleValue value) {
    switch (more) {
      case 20:
        value.setBoolean(false);
        return true;
      case 21:
        value.setBoolean(true);
        return true;
      case 22:
        value.setNull();
        return true;
      case 23:
        value.setUndefined();
        return true;
      case 25:
        value.setNumber(JS::CanonicalizeNaN(half(argument)));
        return true;
      case 26:
        value.setNumber(JS::CanonicalizeNaN(real_bits(argument, 4)));
        return true;
      case 27:
        value.setNumber(JS::CanonicalizeNaN(real_bits(argument, 8)));
        return true;
      default:
        return fail("follows a simple value without a meaning");
    }
  }

  JSContext* const cx_;
  const std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t items_ = 0;
};

class Encoder {
 public:
  explicit Encoder(JSContext* cx) : cx_(cx) {}
  const std::string& bytes() const { return bytes_; }

  bool item(JS::HandleValue value, int depth) {
    if (depth > kMostDepth) return throw_range(cx_, "cbor.encode(): nested too deeply, or in a cycle");
    if (bytes_.size() > kMostBytes) return throw_range(cx_, "cbor.encode(): too large");
    if (value.isString()) return text(value);
    if (value.isNumber()) return number(value.toNumber());
    if (value.isObject()) return object(value, depth);
    if (value.isBoolean()) return one(value.toBoolean() ? 0xF5 : 0xF4);
    if (value.isSymbol()) return throw_type(cx_, "cbor.encode(): a symbol");
    return one(value.isNull() ? 0xF6 : 0xF7);
  }

 private:
  bool one(unsigned byte) {
    bytes_.push_back(static_cast<char>(byte));
    return true;
  }
  void put(std::uint64_t bits, std::size_t size) {
    std::uint8_t room[8];
    store_bits(bits, room, size, false);
    bytes_.append(reinterpret_cast<const char*>(room), size);
  }
  bool head(Major major, std::uint64_t argument) {
    const auto first = static_cast<unsigned>(major) << 5u;
    if (argument < 24) return one(first | static_cast<unsigned>(argument));
    const unsigned log = argument < 0x100 ? 0 : argument < 0x10000 ? 1 : argument < 0x100000000 ? 2 : 3;
    one(first | (24 + log));
    put(argument, std::size_t{1} << log);
    return true;
  }

  bool number(double number) {
    if (std::trunc(number) == number && std::abs(number) <= kMostExact && !(number == 0 && std::signbit(number))) {
      return number >= 0 ? head(kUnsigned, static_cast<std::uint64_t>(number))
                         : head(kNegative, static_cast<std::uint64_t>(-1 - number));
    }
    // NaN has many forms and one bit pattern here, RFC 8949 §4.2.2.
    const bool is_short = static_cast<double>(static_cast<float>(number)) == number || std::isnan(number);
    one(is_short ? 0xFA : 0xFB);
    put(bits_of_real(number, is_short ? 4 : 8), is_short ? 4 : 8);
    return true;
  }

  bool text(JS::HandleValue value) {
    std::string utf8;
    if (!encode(cx_, value, Charset::utf8, utf8)) return false;
    head(kText, utf8.size());
    bytes_ += utf8;
    return true;
  }

  bool object(JS::HandleValue value, int depth) {
    if (!JS_CheckForInterrupt(cx_)) return false;
    if (holds_bytes(value)) {
      std::string bytes;
      if (!copy_bytes(cx_, value, "cbor.encode()", bytes)) return false;
      head(kBytes, bytes.size());
      bytes_ += bytes;
      return true;
    }
    js::AutoCheckRecursionLimit recursion(cx_);
    const JS::RootedObject object(cx_, &value.toObject());
    bool is_array = false;
    if (!recursion.check(cx_) || !JS::IsArrayObject(cx_, object, &is_array)) return false;
    if (JS::IsCallable(object)) return throw_type(cx_, "cbor.encode(): a function");
    return is_array ? array(object, depth) : map(object, depth);
  }

  bool array(JS::HandleObject array, int depth) {
    std::uint32_t length = 0;
    JS::RootedValue element(cx_);
    if (!JS::GetArrayLength(cx_, array, &length)) return false;
    head(kArray, length);
    for (std::uint32_t i = 0; i < length; ++i) {
      if (i % 1024 == 1023 && !JS_CheckForInterrupt(cx_)) return false;
      if (!JS_GetElement(cx_, array, i, &element) || !item(element, depth + 1)) return false;
    }
    return true;
  }

  bool map(JS::HandleObject object, int depth) {
    JS::Rooted<JS::IdVector> ids(cx_, JS::IdVector(cx_));
    if (!JS_Enumerate(cx_, object, &ids)) return false;
    JS::RootedValue key(cx_);
    JS::RootedValue member(cx_);
    JS::RootedId id(cx_);
    head(kMap, ids.length());
    for (std::size_t i = 0; i < ids.length(); ++i) {
      if (i % 1024 == 1023 && !JS_CheckForInterrupt(cx_)) return false;
      id = ids[i];
      if (!JS_IdToValue(cx_, id, &key)) return false;
      JSString* name = JS::ToString(cx_, key);
      if (name == nullptr) return false;
      key.setString(name);
      if (!text(key) || !JS_GetPropertyById(cx_, object, id, &member) || !item(member, depth + 1)) return false;
    }
    return true;
  }

  JSContext* const cx_;
  std::string bytes_;
};

bool cbor_encode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  Encoder encoder(cx);
  return encoder.item(args.get(0), 0) && return_bytes(cx, args, encoder.bytes());
}

bool cbor_decode(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  return copy_bytes(cx, args.get(0), "cbor.decode()", bytes) && Decoder(cx, bytes).whole(args.rval());
}

constexpr JSFunctionSpec kCbor[] = {JS_FN("encode", cbor_encode, 1, 0), JS_FN("decode", cbor_decode, 1, 0), JS_FS_END};
}  // namespace

bool define_cbor(JSContext* cx, JS::HandleObject global) { return define_namespace(cx, global, "cbor", kCbor); }

}  // namespace jl::script
