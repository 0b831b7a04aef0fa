#include "daemon/codec/official/binary_decode.hpp"

#include "common/base/assert.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/binary_values.hpp"
#include "daemon/codec/official/fields.hpp"
#include "daemon/codec/official/payload.hpp"
#include "daemon/codec/official/topics.hpp"
#include "daemon/codec/official/unique_names.hpp"

namespace jl::codec::official {
namespace {

// Where a property's name and value stand in the message's text, which still grows and may move.
struct Place {
  std::string_view name;  // in the frame
  std::size_t name_at, value_at, end;
};

// Reads one body and writes its canonical text in the same walk. Steps return false after fail().
class BodyDecoder {
 public:
  BodyDecoder(const BinaryMessage& message, DeviceMessage& out)
      : message_(message), out_(out), json_(out.json), reader_(message.body), values_(reader_, out.json) {}

  Status run(Millis now) {
    if (message_.timestamp > kMaxTime) return wrong("has a timestamp beyond the year 9999");
    out_.type = message_type();
    out_.timestamp = message_.timestamp > 0 ? message_.timestamp : now;
    append_head(json_, out_.type, out_.message_id, out_.device_id, out_.timestamp);
    if (!body()) return wrong(values_.wrong());
    if (!out_.code.empty()) text(Field::code, out_.code);
    headers();
    json_ += '}';
    place_properties();
    return {};
  }

 private:
  static Status wrong(std::string_view what) { return Error(Errc::invalid, "the message " + std::string(what)); }
  bool fail(std::string_view what) { return values_.fail(what); }
  void key(Field field) { json_ += field_text(field); }
  void text(Field field, std::string_view plain) {
    key(field);
    append_quoted(json_, plain);
  }

  [[nodiscard]] MessageType message_type() const {
    switch (message_.type) {
      case FrameType::online:
        return MessageType::online;
      case FrameType::ack:
        return MessageType::acknowledge;
      case FrameType::report_property:
        return MessageType::report_property;
      case FrameType::read_property_reply:
        return MessageType::read_property_reply;
      case FrameType::write_property_reply:
        return MessageType::write_property_reply;
      case FrameType::function_reply:
        return MessageType::invoke_function_reply;
      case FrameType::event:
        return MessageType::event;
      default:
        JL_ASSERT(false);
        return MessageType::unknown;
    }
  }

  bool body() {
    switch (message_.type) {
      case FrameType::ack:
        return ack();
      case FrameType::report_property:
        return properties();
      case FrameType::read_property_reply:
      case FrameType::write_property_reply:
        return reply() && (!out_.success || properties());
      case FrameType::function_reply:
        return reply() && (!out_.success || function_output());
      case FrameType::event:
        return event();
      default:
        return true;  // online: its key is the session's to judge, and nobody's to see
    }
  }

  bool ack() {
    const auto code = reader_.integer<std::uint8_t>();
    if (reader_.has_failed()) return fail("ends early");
    if (code > static_cast<std::uint8_t>(AckCode::unsupported_message)) return fail("has an unknown ack code");
    ack_ = to_string(static_cast<AckCode>(code));
    out_.success = code == static_cast<std::uint8_t>(AckCode::ok);
    if (!out_.success) out_.code = ack_;
    key(Field::success);
    json_ += out_.success ? "true" : "false";
    return true;
  }

  // A failure has code and message instead of the result.
  bool reply() {
    out_.success = reader_.integer<std::uint8_t>() != 0;
    if (reader_.has_failed()) return fail("ends early");
    if (!out_.success && !(scalar_text(out_.code) && scalar_text(out_.text))) return false;
    key(Field::success);
    json_ += out_.success ? "true" : "false";
    if (!out_.text.empty()) text(Field::message, out_.text);
    return true;
  }

  // A typed value as text; NULL is "".
  bool scalar_text(std::string& plain) {
    const auto type = static_cast<ValueType>(reader_.rest().empty() ? 0 : reader_.rest().front());
    if (type == ValueType::string) {
      static_cast<void>(reader_.integer<std::uint8_t>());
      const std::size_t start = json_.size();
      std::string_view words;
      if (!values_.string(words)) return false;
      json_.resize(start);
      plain = words;
      return true;
    }
    if (type >= ValueType::binary) return fail("has a code, message or function id that is no plain value");
    const std::size_t start = json_.size();
    if (!values_.value(0)) return false;
    plain.assign(json_, start);
    if (plain == "null") plain.clear();
    json_.resize(start);
    return true;
  }

  bool function_output() {
    if (!scalar_text(out_.name)) return false;
    if (!out_.name.empty()) text(Field::function_id, out_.name);
    const std::size_t start = json_.size();
    key(Field::output);
    const std::size_t at = json_.size();
    if (!values_.value(1)) return false;
    // As in JSON, null is no output.
    if (std::string_view(json_).substr(at) == "null") json_.resize(start);
    return true;
  }

  bool event() {
    json_ += R"(,"event":)";
    std::string_view id;
    if (!values_.string(id)) return false;
    if (!check_id(id, "the event id")) return fail("has an event id that cannot be one");
    out_.name = id;
    key(Field::data);
    return values_.object(1);
  }

  bool properties() {
    key(Field::properties);
    const auto count = reader_.integer<std::uint16_t>();
    if (reader_.has_failed()) return fail("ends early");
    if (count > kMaxEntries) return fail("has more than 1024 properties");
    names().clear();
    places().clear();
    json_ += '{';
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) json_ += ',';
      if (!property()) return false;
    }
    json_ += '}';
    if (!names().seal()) return fail("has a property twice");
    for (const Place& place : places()) out_.properties.push_back({place.name, {}, 0});
    return true;
  }

  bool property() {
    Place place{};
    place.name_at = json_.size();
    if (!values_.string(place.name)) return false;
    if (place.name.size() > kMaxNameBytes) return fail("has a property whose name is longer than 256 bytes");
    json_ += ':';
    place.value_at = json_.size();
    if (!values_.value(2)) return false;
    place.end = json_.size();
    names().add(place.name);
    places().push_back(place);
    return true;
  }

  void headers() {
    std::string& raw = out_.headers.raw;
    raw += '{';
    if (!ack_.empty()) raw.append(R"("code":")").append(ack_).append("\",");
    raw += R"("_seq":)";
    append_integer(raw, message_.sequence);
    raw += '}';
    key(Field::headers);
    json_ += raw;
  }

  // json_ grows no more: the views of properties can point into it, and into the scratch where a name has escapes.
  void place_properties() {
    if (out_.properties.empty()) return;
    std::size_t escaped = 0;
    const auto is_plain = [](const Place& place) {
      return place.value_at - place.name_at == place.name.size() + std::string_view("\"\":").size();
    };
    for (const Place& place : places()) escaped += is_plain(place) ? 0 : place.name.size();
    out_.scratch.reserve(escaped);
    const std::string_view text = json_;
    for (std::size_t i = 0; i < places().size(); ++i) {
      const Place& place = places()[i];
      PropertyView& property = out_.properties[i];
      property.value = text.substr(place.value_at, place.end - place.value_at);
      if (is_plain(place)) {
        property.name = text.substr(place.name_at + 1, place.name.size());
      } else {
        const std::size_t at = out_.scratch.size();
        out_.scratch += place.name;
        property.name = std::string_view(out_.scratch).substr(at);
      }
    }
  }

  static UniqueNames& names() {
    thread_local UniqueNames names;
    return names;
  }
  static std::vector<Place>& places() {
    thread_local std::vector<Place> places;
    return places;
  }

  const BinaryMessage& message_;
  DeviceMessage& out_;
  std::string& json_;
  BinaryReader reader_;
  BinaryValues values_;
  std::string_view ack_;
};
}  // namespace

bool is_down_type(FrameType type) {
  return type == FrameType::read_property || type == FrameType::write_property || type == FrameType::function;
}

Status decode_binary(const BinaryMessage& message, std::string_view device_id, std::string_view message_id, Millis now,
                     DeviceMessage& out) {
  out.device_id = device_id;
  out.message_id = message_id;
  return BodyDecoder(message, out).run(now);
}

}  // namespace jl::codec::official
