#include "daemon/script/buffer.hpp"

#include "daemon/script/engine.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/framing_realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

#include <bit>

namespace jl::script {

namespace {
/// What a Buffer object's slot points to.
struct Held {
  Engine& engine;
  std::string bytes;
  std::size_t counted = 0;  // of the engine's bytes and of the collector's
};

constexpr JS::MemoryUse kUse = JS::MemoryUse::Embedding1;

Held* held(JSObject* object) {
  const JS::Value slot = JS::GetReservedSlot(object, 0);
  return slot.isUndefined() ? nullptr : static_cast<Held*>(slot.toPrivate());
}

void finalize(JS::GCContext*, JSObject* object) {
  const std::unique_ptr<Held> gone(held(object));
  if (gone == nullptr) return;
  gone->engine.remove_bytes(gone->counted);
  if (gone->counted > 0) JS::RemoveAssociatedMemory(object, gone->counted, kUse);
}

constexpr JSClassOps kOps = {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, finalize, nullptr, nullptr, nullptr};
constexpr JSClass kClass = {
    "Buffer", JSCLASS_HAS_RESERVED_SLOTS(1) | JSCLASS_FOREGROUND_FINALIZE, &kOps, nullptr, nullptr, nullptr};

/// Makes room for `size` bytes: counted before they are allocated.
bool reserve(JSContext* cx, JSObject* object, Held& buffer, std::size_t size) {
  if (size > kMostBytes) return throw_range(cx, fmt::format("a Buffer of more than {} MiB", kMostBytes >> 20u));
  if (size <= buffer.counted) return true;
  const JS::RootedObject rooted(cx, object);
  const std::size_t room = size < 64 ? size : std::min(kMostBytes, std::max(size, buffer.counted * 2));
  const std::size_t more = room - buffer.counted;
  if (!buffer.engine.add_bytes(more)) return throw_range(cx, "the Buffers of the framing scripts take too much memory");
  JS::AddAssociatedMemory(rooted, more, kUse);
  buffer.counted = room;
  buffer.bytes.reserve(room);
  return true;
}

/// The arguments of a method that was called on a Buffer.
class Arguments {
 public:
  Arguments(JSContext* cx, unsigned argc, JS::Value* vp) : cx_(cx), args_(JS::CallArgsFromVp(argc, vp)) {}

  /// False, with an exception, when `this` is no Buffer.
  bool on_buffer() {
    if (args_.thisv().isObject() && JS::GetClass(&args_.thisv().toObject()) == &kClass) {
      held_ = held(&args_.thisv().toObject());
    }
    return held_ != nullptr || throw_type(cx_, "this is no Buffer");
  }
  bool number(unsigned index, std::int32_t& value) { return JS::ToInt32(cx_, args_.get(index), &value); }
  /// `size` bytes at argument `index`.
  bool place(unsigned index, std::size_t size, std::size_t& at) {
    std::int32_t value = 0;
    if (!number(index, value)) return false;
    const auto length = held_->bytes.size();
    if (value < 0 || static_cast<std::size_t>(value) > length || size > length - static_cast<std::size_t>(value)) {
      return throw_range(cx_, fmt::format("{} bytes at index {} of a Buffer of {} bytes", size, value, length));
    }
    at = static_cast<std::size_t>(value);
    return true;
  }
  /// [start, end) in arguments 0 and 1; everything when both are missing and `optional`.
  bool range(bool optional, std::string_view& bytes) {
    bytes = held_->bytes;
    if (optional && args_.length() == 0) return true;
    std::int32_t start = 0;
    std::int32_t end = 0;
    if (!number(0, start) || !number(1, end)) return false;
    // Conversions run the script's valueOf(), which may have changed the Buffer.
    bytes = held_->bytes;
    if (start < 0 || end < start || static_cast<std::size_t>(end) > bytes.size()) {
      return throw_range(cx_, fmt::format("bytes {} to {} of a Buffer of {} bytes", start, end, bytes.size()));
    }
    bytes = bytes.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
    return true;
  }
  bool append(std::string_view bytes) {
    if (!reserve(cx_, &args_.thisv().toObject(), *held_, held_->bytes.size() + bytes.size())) return false;
    held_->bytes.append(bytes);
    return itself();
  }
  bool overwrite(unsigned index, std::string_view bytes) {
    std::size_t at = 0;
    if (!place(index, bytes.size(), at)) return false;
    held_->bytes.replace(at, bytes.size(), bytes);
    return itself();
  }
  bool itself() {
    args_.rval().set(args_.thisv());
    return true;
  }
  bool buffer_of(std::string_view bytes) { return new_buffer(cx_, std::string(bytes), args_.rval()); }

  JSContext* cx() const { return cx_; }
  JS::CallArgs& args() { return args_; }
  std::string& bytes() { return held_->bytes; }

 private:
  JSContext* cx_;
  JS::CallArgs args_;
  Held* held_ = nullptr;
};

// --- numbers ---------------------------------------------------------------------------------------------------------

enum class Kind { integer, unsigned_integer, real };

/// How a number stands in bytes.
template <Kind kKind, std::size_t kSize, bool kLittle>
struct Format {
  static std::uint64_t load(const char* at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      value = (value << 8u) | static_cast<unsigned char>(at[kLittle ? kSize - 1 - i : i]);
    }
    return value;
  }
  static void store(std::uint64_t value, char* at) {
    for (std::size_t i = 0; i < kSize; ++i) {
      at[kLittle ? i : kSize - 1 - i] = static_cast<char>(value & 0xFFu);
      value >>= 8u;
    }
  }
  static double number(const char* at) {
    const std::uint64_t bits = load(at);
    if constexpr (kKind == Kind::real && kSize == 4) {
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    } else if constexpr (kKind == Kind::real) {
      return std::bit_cast<double>(bits);
    } else if constexpr (kKind == Kind::unsigned_integer) {
      return static_cast<double>(bits);
    } else {
      constexpr unsigned kUnused = 64 - 8 * kSize;
      return static_cast<double>(static_cast<std::int64_t>(bits << kUnused) >> kUnused);
    }
  }
  /// The bits of a number; integers wrap around.
  static bool bits(JSContext* cx, JS::HandleValue value, std::uint64_t& bits) {
    if constexpr (kKind == Kind::real) {
      double number = 0;
      if (!JS::ToNumber(cx, value, &number)) return false;
      bits =
          kSize == 4 ? std::bit_cast<std::uint32_t>(static_cast<float>(number)) : std::bit_cast<std::uint64_t>(number);
      return true;
    } else {
      std::int64_t number = 0;
      if (!JS::ToInt64(cx, value, &number)) return false;
      bits = static_cast<std::uint64_t>(number);
      return true;
    }
  }
};

template <class F, std::size_t kSize>
bool get_number(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::size_t at = 0;
  if (!call.on_buffer() || !call.place(0, kSize, at)) return false;
  // A NaN of the peer must not become a pointer: only the canonical one is a Value.
  call.args().rval().set(JS::NumberValue(JS::CanonicalizeNaN(F::number(call.bytes().data() + at))));
  return true;
}

template <class F, std::size_t kSize>
bool append_number(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::uint64_t bits = 0;
  if (!call.on_buffer() || !F::bits(cx, call.args().get(0), bits)) return false;
  char bytes[kSize];
  F::store(bits, bytes);
  return call.append({bytes, kSize});
}

template <class F, std::size_t kSize>
bool set_number(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::uint64_t bits = 0;
  if (!call.on_buffer() || !F::bits(cx, call.args().get(1), bits)) return false;
  char bytes[kSize];
  F::store(bits, bytes);
  return call.overwrite(0, {bytes, kSize});
}

// --- the rest --------------------------------------------------------------------------------------------------------

bool length(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  if (!call.on_buffer()) return false;
  call.args().rval().setInt32(static_cast<std::int32_t>(call.bytes().size()));
  return true;
}

bool get_bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::string_view bytes;
  return call.on_buffer() && call.range(true, bytes) && to_array(cx, bytes, call.args().rval());
}

template <bool kOptional>
bool get_buffer(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::string_view bytes;
  return call.on_buffer() && call.range(kOptional, bytes) && call.buffer_of(bytes);
}

bool copy(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  return call.on_buffer() && call.buffer_of(call.bytes());
}

bool get_string(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::string_view bytes;
  Charset charset{};
  if (!call.on_buffer() || !charset_of(cx, call.args().get(2), charset) || !call.range(false, bytes)) return false;
  JSString* text = decode(cx, bytes, charset);
  if (text != nullptr) call.args().rval().setString(text);
  return text != nullptr;
}

bool to_string(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  Charset charset{};
  if (!call.on_buffer() || !charset_of(cx, call.args().get(0), charset)) return false;
  JSString* text = decode(cx, call.bytes(), charset);
  if (text != nullptr) call.args().rval().setString(text);
  return text != nullptr;
}

/// Argument `index` as bytes, and of these only those that two further arguments, offset and length, say.
bool bytes_argument(Arguments& call, unsigned index, const char* what, std::string& bytes) {
  if (!to_bytes(call.cx(), call.args().get(index), what, bytes)) return false;
  if (call.args().length() <= index + 1) return true;
  std::int32_t offset = 0;
  std::int32_t size = 0;
  if (!call.number(index + 1, offset) || !call.number(index + 2, size)) return false;
  if (offset < 0 || size < 0 || static_cast<std::size_t>(offset) > bytes.size() ||
      static_cast<std::size_t>(size) > bytes.size() - static_cast<std::size_t>(offset)) {
    return throw_range(call.cx(), fmt::format("{} bytes at index {} of {} bytes", size, offset, bytes.size()));
  }
  bytes = bytes.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  return true;
}

bool append_bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::string bytes;
  return call.on_buffer() && bytes_argument(call, 0, "append", bytes) && call.append(bytes);
}

bool set_bytes(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  std::string bytes;
  return call.on_buffer() && bytes_argument(call, 1, "set", bytes) && call.overwrite(0, bytes);
}

bool append_string(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  Charset charset{};
  std::string bytes;
  return call.on_buffer() && charset_of(cx, call.args().get(1), charset) &&
         encode(cx, call.args().get(0), charset, bytes) && call.append(bytes);
}

bool set_string(JSContext* cx, unsigned argc, JS::Value* vp) {
  Arguments call(cx, argc, vp);
  Charset charset{};
  std::string bytes;
  return call.on_buffer() && charset_of(cx, call.args().get(2), charset) &&
         encode(cx, call.args().get(1), charset, bytes) && call.overwrite(0, bytes);
}

bool not_supported(JSContext* cx, unsigned, JS::Value*) { return throw_error(cx, "getByteBuf() is not supported"); }

#define JL_NUMBER(name, kind, size, little)                                                \
  JS_FN("get" name, (get_number<Format<Kind::kind, size, little>, size>), 1, 0),           \
      JS_FN("append" name, (append_number<Format<Kind::kind, size, little>, size>), 1, 0), \
      JS_FN("set" name, (set_number<Format<Kind::kind, size, little>, size>), 2, 0)
#define JL_BOTH_ENDS(name, kind, size) JL_NUMBER(name, kind, size, false), JL_NUMBER(name "LE", kind, size, true)

constexpr JSFunctionSpec kMethods[] = {JL_NUMBER("Byte", integer, 1, false),
                                       JL_NUMBER("UnsignedByte", unsigned_integer, 1, false),
                                       JL_BOTH_ENDS("Short", integer, 2),
                                       JL_BOTH_ENDS("UnsignedShort", unsigned_integer, 2),
                                       JL_BOTH_ENDS("Medium", integer, 3),
                                       JL_BOTH_ENDS("UnsignedMedium", unsigned_integer, 3),
                                       JL_BOTH_ENDS("Int", integer, 4),
                                       JL_BOTH_ENDS("UnsignedInt", unsigned_integer, 4),
                                       JL_BOTH_ENDS("Long", integer, 8),
                                       JL_NUMBER("Float", real, 4, false),
                                       JL_NUMBER("Double", real, 8, false),
                                       JS_FN("length", length, 0, 0),
                                       JS_FN("getBytes", get_bytes, 2, 0),
                                       JS_FN("getBuffer", get_buffer<false>, 2, 0),
                                       JS_FN("slice", get_buffer<true>, 2, 0),
                                       JS_FN("copy", copy, 0, 0),
                                       JS_FN("getString", get_string, 2, 0),
                                       JS_FN("toString", to_string, 0, 0),
                                       JS_FN("appendBuffer", append_bytes, 1, 0),
                                       JS_FN("appendBytes", append_bytes, 1, 0),
                                       JS_FN("appendString", append_string, 1, 0),
                                       JS_FN("setBuffer", set_bytes, 2, 0),
                                       JS_FN("setBytes", set_bytes, 2, 0),
                                       JS_FN("setString", set_string, 2, 0),
                                       JS_FN("getByteBuf", not_supported, 0, 0),
                                       JS_FS_END};
#undef JL_BOTH_ENDS
#undef JL_NUMBER
}  // namespace

JSObject* make_buffer_prototype(JSContext* cx) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineFunctions(cx, prototype, kMethods)) return nullptr;
  return prototype;
}

bool new_buffer(JSContext* cx, std::string bytes, JS::MutableHandleValue buffer) {
  Engine& engine = Engine::of(cx);
  // Buffers are made in framing realms only.
  const JS::RootedObject prototype(cx, static_cast<FramingRealm*>(engine.running_realm())->buffer_prototype());
  const JS::RootedObject object(cx, JS_NewObjectWithGivenProto(cx, &kClass, prototype));
  if (!object) return false;
  auto made = std::make_unique<Held>(Held{engine, {}});
  Held& fresh = *made;
  JS::SetReservedSlot(object, 0, JS::PrivateValue(made.release()));
  if (!reserve(cx, object, fresh, bytes.size())) return false;
  fresh.bytes = std::move(bytes);
  buffer.setObject(*object);
  return true;
}

const std::string* buffer_bytes(JS::HandleValue value) {
  if (!value.isObject() || JS::GetClass(&value.toObject()) != &kClass) return nullptr;
  const Held* found = held(&value.toObject());
  return found == nullptr ? nullptr : &found->bytes;
}

}  // namespace jl::script
