#include "daemon/codec/cbor.hpp"

#include "daemon/codec/json_document.hpp"
#include "daemon/codec/json_text.hpp"

#include <cbor/encoding.h>
#include <cbor/streaming.h>
#include <array>
#include <limits>

namespace jl::codec {
namespace {

// What one step of libcbor has read. Its callbacks only fill this, so that no exception passes through C.
struct Item {
  enum class Kind : std::uint8_t {
    none,
    natural,   // number
    negative,  // -1 - number
    float_,
    double_,
    boolean,  // number
    null,
    text,
    bytes,
    array,  // number of items
    map,    // number of pairs
    text_chunks,
    byte_chunks,
    endless_array,
    endless_map,
    stop,
    tag,
  };
  Kind kind = Kind::none;
  std::uint64_t number = 0;
  double decimal = 0;
  std::string_view words;
};
using Kind = Item::Kind;

void put(void* item, Kind kind, std::uint64_t number = 0) {
  static_cast<Item*>(item)->kind = kind;
  static_cast<Item*>(item)->number = number;
}
template <Kind kind, class Number>
void on_number(void* item, Number number) {
  put(item, kind, number);
}
template <Kind kind>
void on_mark(void* item) {
  put(item, kind);
}
template <Kind kind, class Decimal>
void on_decimal(void* item, Decimal decimal) {
  put(item, kind);
  static_cast<Item*>(item)->decimal = static_cast<double>(decimal);
}
template <Kind kind>
void on_words(void* item, cbor_data data, std::size_t size) {
  put(item, kind);
  static_cast<Item*>(item)->words = {reinterpret_cast<const char*>(data), size};
}

constexpr cbor_callbacks kCallbacks{
    .uint8 = on_number<Kind::natural, std::uint8_t>,
    .uint16 = on_number<Kind::natural, std::uint16_t>,
    .uint32 = on_number<Kind::natural, std::uint32_t>,
    .uint64 = on_number<Kind::natural, std::uint64_t>,
    .negint64 = on_number<Kind::negative, std::uint64_t>,
    .negint32 = on_number<Kind::negative, std::uint32_t>,
    .negint16 = on_number<Kind::negative, std::uint16_t>,
    .negint8 = on_number<Kind::negative, std::uint8_t>,
    .byte_string_start = on_mark<Kind::byte_chunks>,
    .byte_string = on_words<Kind::bytes>,
    .string = on_words<Kind::text>,
    .string_start = on_mark<Kind::text_chunks>,
    .indef_array_start = on_mark<Kind::endless_array>,
    .array_start = on_number<Kind::array, std::size_t>,
    .indef_map_start = on_mark<Kind::endless_map>,
    .map_start = on_number<Kind::map, std::size_t>,
    .tag = on_number<Kind::tag, std::uint64_t>,
    .float2 = on_decimal<Kind::float_, float>,
    .float4 = on_decimal<Kind::float_, float>,
    .float8 = on_decimal<Kind::double_, double>,
    .undefined = on_mark<Kind::null>,
    .null = on_mark<Kind::null>,
    .boolean = on_number<Kind::boolean, bool>,
    .indef_break = on_mark<Kind::stop>,
};

// Puts the items together. Steps return false after fail().
class Converter {
 public:
  explicit Converter(std::string& json) : json_(json) {}

  Status run(std::string_view bytes) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = at + bytes.size();
    for (std::size_t items = 0; !done_; ++items) {
      if (items == kMaxCborItems) return wrong("the payload has more than 65536 CBOR items");
      Item item;
      const auto step = cbor_stream_decode(at, static_cast<std::size_t>(end - at), &kCallbacks, &item);
      if (step.status != CBOR_DECODER_FINISHED || item.kind == Kind::none) return wrong(kMalformed);
      at += step.read;
      if (!take(item)) return wrong(wrong_);
    }
    return at == end ? Status() : wrong("the payload goes on after its CBOR item");
  }

 private:
  static constexpr std::string_view kMalformed = "the payload is not well-formed CBOR";

  struct Open {
    Kind kind = Kind::none;  // array, map, text_chunks, byte_chunks
    bool endless = false;    // ends with a stop, not by count
    bool is_key = false;     // map: a key comes next
    bool is_first = true;    // nothing is in it yet
    std::uint64_t left = 0;  // items, or pairs, still to come
  };

  static Status wrong(std::string_view what) { return Error(Errc::invalid, std::string(what)); }
  bool fail(std::string_view what) {
    wrong_ = what;
    return false;
  }

  bool take(const Item& item) {
    Open* const within = depth_ == 0 ? nullptr : &open_[depth_ - 1];
    if (within != nullptr && (within->kind == Kind::text_chunks || within->kind == Kind::byte_chunks)) {
      return chunk(*within, item);
    }
    if (item.kind == Kind::tag) {
      is_tagged_ = true;
      return true;
    }
    if (item.kind == Kind::stop) return stop(within);
    is_tagged_ = false;
    if (within != nullptr && !start_item(*within, item)) return false;
    return value(item);
  }

  // What stands between items, and what may be a key.
  bool start_item(Open& within, const Item& item) {
    const bool is_key = within.kind == Kind::map && within.is_key;
    if (is_key && item.kind != Kind::text && item.kind != Kind::text_chunks) {
      return fail("the payload has a CBOR map with a key that is not text");
    }
    if (within.kind == Kind::map && !is_key) {
      json_ += ':';
    } else if (!within.is_first) {
      json_ += ',';
    }
    within.is_first = false;
    return true;
  }

  bool value(const Item& item) {
    switch (item.kind) {
      case Kind::natural:
        append_natural(item.number);
        break;
      case Kind::negative:
        if (item.number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
          return fail("the payload has an integer that is out of range");
        }
        append_integer(json_, -1 - static_cast<std::int64_t>(item.number));
        break;
      case Kind::float_:
        append_float(json_, static_cast<float>(item.decimal));
        break;
      case Kind::double_:
        append_double(json_, item.decimal);
        break;
      case Kind::boolean:
        json_ += item.number != 0 ? "true" : "false";
        break;
      case Kind::null:
        json_ += "null";
        break;
      case Kind::text:
        append_quoted(json_, item.words);
        break;
      case Kind::bytes:
        append_base64(json_, item.words);
        break;
      default:
        return open(item);
    }
    end_item();
    return true;
  }

  bool open(const Item& item) {
    const bool is_chunks = item.kind == Kind::text_chunks || item.kind == Kind::byte_chunks;
    if (depth_ == (is_chunks ? open_.size() : kMaxJsonDepth)) {
      return fail("the payload is nested deeper than 32 levels");
    }
    Open& opened = open_[depth_++];
    opened = {};
    opened.left = item.number;
    switch (item.kind) {
      case Kind::array:
      case Kind::endless_array:
        opened.kind = Kind::array;
        json_ += '[';
        break;
      case Kind::map:
      case Kind::endless_map:
        opened.kind = Kind::map;
        opened.is_key = true;
        json_ += '{';
        break;
      default:
        opened.kind = item.kind;
        chunks_.clear();
    }
    opened.endless = item.kind != Kind::array && item.kind != Kind::map;
    if (!opened.endless && opened.left == 0) close();
    return true;
  }

  // RFC 8949 §3.2.3: the chunks of a string are strings of known length of the same kind.
  bool chunk(const Open& within, const Item& item) {
    if (item.kind == Kind::stop) {
      close();
      return true;
    }
    if (item.kind != (within.kind == Kind::text_chunks ? Kind::text : Kind::bytes)) return fail(kMalformed);
    chunks_ += item.words;
    return true;
  }

  bool stop(const Open* within) {
    const bool has_half_a_pair = within != nullptr && within->kind == Kind::map && !within->is_key;
    if (within == nullptr || !within->endless || has_half_a_pair || is_tagged_) return fail(kMalformed);
    close();
    return true;
  }

  void close() {
    switch (open_[--depth_].kind) {
      case Kind::array:
        json_ += ']';
        break;
      case Kind::map:
        json_ += '}';
        break;
      case Kind::text_chunks:
        append_quoted(json_, chunks_);
        break;
      default:
        append_base64(json_, chunks_);
    }
    end_item();
  }

  // An item is complete; so may be what it stands in. At most kMaxJsonDepth calls of one another.
  void end_item() {
    if (depth_ == 0) {
      done_ = true;
      return;
    }
    Open& within = open_[depth_ - 1];
    if (within.kind == Kind::map) {
      within.is_key = !within.is_key;
      if (!within.is_key) return;
    }
    if (!within.endless && --within.left == 0) close();
  }

  void append_natural(std::uint64_t number) {
    if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return append_integer(json_, static_cast<std::int64_t>(number));
    }
    json_ += std::to_string(number);
  }

  std::string& json_;
  std::array<Open, kMaxJsonDepth + 1> open_{};  // one more for the chunks of a string
  std::size_t depth_ = 0;
  std::string chunks_;
  bool is_tagged_ = false;
  bool done_ = false;
  std::string_view wrong_;
};
}  // namespace

Status cbor_to_json(std::string_view bytes, std::string& json) {
  json.clear();
  if (bytes.empty()) return Error(Errc::invalid, "the payload is empty");
  return Converter(json).run(bytes);
}

void append_cbor_time(std::string& bytes, std::string_view message_id, Millis timestamp) {
  std::array<unsigned char, 9> head{};  // the longest that an item's head is
  const auto put_head = [&](std::size_t size) { bytes.append(reinterpret_cast<const char*>(head.data()), size); };
  const auto put_text = [&](std::string_view text) {
    put_head(cbor_encode_string_start(text.size(), head.data(), head.size()));
    bytes += text;
  };
  put_head(cbor_encode_map_start(message_id.empty() ? 1 : 2, head.data(), head.size()));
  if (!message_id.empty()) {
    put_text("messageId");
    put_text(message_id);
  }
  put_text("timestamp");
  put_head(cbor_encode_uint(static_cast<std::uint64_t>(timestamp), head.data(), head.size()));
}

}  // namespace jl::codec
