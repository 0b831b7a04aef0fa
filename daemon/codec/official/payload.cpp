#include "daemon/codec/official/payload.hpp"

#include "common/base/assert.hpp"
#include "common/base/base64.hpp"
#include "daemon/codec/json_document.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/coerce.hpp"
#include "daemon/codec/official/collector.hpp"
#include "daemon/codec/official/fields.hpp"
#include "daemon/codec/official/headers.hpp"
#include "daemon/codec/official/unique_names.hpp"

#include <limits>
#include <optional>

namespace jl::codec::official {
namespace {
// Reads the fields of one message and writes its canonical text in the same walk. Steps return false after fail().
class PayloadDecoder {
 public:
  PayloadDecoder(const PayloadContext& context, DeviceMessage& out) : context_(context), out_(out), json_(out.json) {}

  Status run(const JsonValue& root) {
    out_.type = context_.type;
    out_.device_id = context_.device_id;
    json_.reserve(root.text.size() + context_.device_id.size() + kHeadBytes);
    const bool ok = collect(root) && head() && own_fields() && text(Field::code, &out_.code) && headers();
    if (!ok) return std::move(*error_);
    json_ += '}';
    place_properties();
    return {};
  }

 private:
  static constexpr std::size_t kHeadBytes = 192;

  bool fail(Field field, std::string_view what) {
    const std::string key(field_key(field));
    error_ = Error(Errc::invalid, "\"" + key + "\" " + std::string(what), "", key);
    return false;
  }
  [[nodiscard]] bool has(Field field) const { return (present_ & bit(field)) != 0; }
  [[nodiscard]] const JsonValue& value(Field field) const { return values_[static_cast<std::size_t>(field)]; }
  void key(Field field) { json_ += field_text(field); }

  bool collect(const JsonValue& root) {
    const FieldMask wanted = fields_of(context_.type);
    FieldMask seen = 0;
    JsonMembers members(root);
    for (JsonMember member; members.next(member);) {
      const Field field = field_from(member.key);
      if (field == Field::none_ || (wanted & bit(field)) == 0) continue;
      if ((seen & bit(field)) != 0) return fail(field, "is given twice");
      seen |= bit(field);
      if (member.value.is_null()) continue;
      present_ |= bit(field);
      values_[static_cast<std::size_t>(field)] = member.value;
    }
    if (members.deepest() + 1 + context_.levels_above > kMaxJsonDepth) {
      error_ = Error(Errc::invalid, "the payload is nested deeper than 32 levels, the child devices' included");
      return false;
    }
    return true;
  }

  bool head() {
    if (has(Field::message_id)) {
      const auto id = as_text(value(Field::message_id));
      if (!id) return fail(Field::message_id, "must be a string");
      out_.message_id = *id;
    }
    out_.timestamp = context_.now;
    if (has(Field::timestamp)) {
      const auto time = as_integer(value(Field::timestamp));
      if (!time) return fail(Field::timestamp, "must be a time in milliseconds");
      if (*time > kMaxTime) return fail(Field::timestamp, "is not in milliseconds: it lies beyond the year 9999");
      if (*time > 0) out_.timestamp = *time;
    }
    append_head(json_, context_.type, out_.message_id, context_.device_id, out_.timestamp);
    return true;
  }

  bool own_fields() {
    switch (context_.type) {
      case MessageType::online:
      case MessageType::offline:
      case MessageType::register_device:
      case MessageType::unregister_device:
        return true;
      case MessageType::report_property:
        return property_values();
      case MessageType::read_property_reply:
      case MessageType::write_property_reply:
        return reply() && property_values();
      case MessageType::event:
        return event();
      case MessageType::invoke_function_reply:
        return reply() && text(Field::function_id, &out_.name) && any(Field::output);
      case MessageType::update_tag:
        return property_map(Field::tags);
      case MessageType::derived_metadata:
        return text(Field::metadata) && flag(Field::all, false);
      case MessageType::log:
        return text(Field::log);
      case MessageType::state_check_reply:
        return reply() && number<std::int8_t>(Field::state);
      case MessageType::disconnect_reply:
      case MessageType::upgrade_firmware_reply:
      case MessageType::acknowledge:
        return reply();
      case MessageType::direct:
        return bytes(Field::payload);
      case MessageType::report_firmware:
        return firmware();
      case MessageType::read_firmware_reply:
        return reply() && firmware();
      case MessageType::request_firmware:
        return text(Field::current_version) && text(Field::request_version, &out_.name);
      case MessageType::upgrade_firmware_progress:
        return progress();
      case MessageType::report_collector:
        return collector_items(false);
      case MessageType::read_collector_data_reply:
      case MessageType::write_collector_data_reply:
        return reply() && collector_items(true);
      default:
        JL_ASSERT(false);
        return false;
    }
  }

  bool reply() { return flag(Field::success, true, &out_.success) && text(Field::message, &out_.text); }

  bool event() {
    out_.name = context_.event;
    json_ += R"(,"event":)";
    append_quoted(json_, context_.event);
    return any(Field::data);
  }

  bool firmware() {
    if (!text(Field::version, &out_.name)) return false;
    if (has(Field::properties) && !value(Field::properties).is_object()) {
      return fail(Field::properties, "must be an object");
    }
    return any(Field::properties);
  }

  // wire.md 6: not a reply, so success defaults to false; old devices call the reason "message".
  bool progress() {
    if (!has(Field::error_reason) && has(Field::message)) {
      present_ |= bit(Field::error_reason);
      values_[static_cast<std::size_t>(Field::error_reason)] = value(Field::message);
    }
    return number<std::int32_t>(Field::progress) && flag(Field::complete, false) && text(Field::version, &out_.name) &&
           flag(Field::success, false, &out_.success) && text(Field::error_reason, &out_.text) &&
           text(Field::firmware_id);
  }

  bool headers() {
    if (!has(Field::headers)) return true;
    if (const Status read = read_headers(value(Field::headers), out_.headers, json_); !read) {
      error_ = read.error();
      return false;
    }
    return true;
  }

  bool any(Field field) {
    if (!has(field)) return true;
    key(field);
    json_ += value(field).text;
    return true;
  }

  bool text(Field field, std::string* plain = nullptr) {
    if (!has(field)) return true;
    const auto words = as_text(value(field));
    if (!words) return fail(field, "must be a string");
    if (plain != nullptr) *plain = *words;
    key(field);
    append_as_string(json_, value(field));
    return true;
  }

  bool bytes(Field field) {
    if (!has(field)) return true;
    const auto words = as_text(value(field));
    if (!words || !from_base64(*words)) return fail(field, "must be base64");
    return text(field);
  }

  bool flag(Field field, bool otherwise, bool* out = nullptr) {
    const auto is_set = has(field) ? as_bool(value(field)) : otherwise;
    if (!is_set) return fail(field, "must be true or false");
    if (out != nullptr) *out = *is_set;
    key(field);
    json_ += *is_set ? "true" : "false";
    return true;
  }

  template <class Integer>
  bool number(Field field) {
    const auto given = has(field) ? as_integer(value(field)) : 0;
    if (!given) return fail(field, "must be an integer");
    if (*given < std::numeric_limits<Integer>::min() || *given > std::numeric_limits<Integer>::max()) {
      return fail(field, "is out of range");
    }
    out_.number = *given;
    key(field);
    append_integer(json_, *given);
    return true;
  }

  bool property_values() { return property_map(Field::properties) && source_times() && property_states(); }

  // The object goes into the text as it is; the views are turned to it by place_properties().
  bool property_map(Field field) {
    if (!has(field)) return true;
    const JsonValue& object = value(field);
    if (!object.is_object()) return fail(field, "must be an object");
    UniqueNames& names = property_names();
    names.clear();
    JsonMembers members(object);
    for (JsonMember member; members.next(member);) {
      if (names.size() == kMaxEntries) return fail(field, "has more than 1024 entries");
      if (member.key.size() > kMaxNameBytes) return fail(field, "has a name longer than 256 bytes");
      names.add(member.key);
      const std::string_view plain = member.plain_key();
      out_.properties.push_back({plain.data() != nullptr ? plain : member.key, member.value.text, 0});
    }
    if (!names.seal()) return fail(field, "has a key twice");
    key(field);
    properties_from_ = object.text;
    properties_at_ = json_.size();
    json_ += object.text;
    return true;
  }

  // The entries of an object of scalars; `entry` appends the value of one and returns what is wrong with it, or "".
  template <class Entry>
  bool scalar_map(Field field, Entry entry) {
    thread_local UniqueNames names;
    if (!has(field)) return true;
    if (!value(field).is_object()) return fail(field, "must be an object");
    names.clear();
    key(field);
    char separator = '{';
    JsonMembers members(value(field));
    for (JsonMember member; members.next(member);) {
      if (names.size() == kMaxEntries) return fail(field, "has more than 1024 entries");
      names.add(member.key);
      if (member.value.is_null()) continue;
      json_ += separator;
      json_ += member.key_text;
      json_ += ':';
      separator = ',';
      if (const std::string_view wrong = entry(member); !wrong.empty()) return fail(field, wrong);
    }
    if (!names.seal()) return fail(field, "has a key twice");
    json_ += separator == '{' ? "{}" : "}";
    return true;
  }

  bool source_times() {
    return scalar_map(Field::property_source_times, [this](const JsonMember& member) -> std::string_view {
      const auto time = as_integer(member.value);
      if (!time) return "must hold times in milliseconds";
      if (*time > kMaxTime) return "holds a time beyond the year 9999";
      append_integer(json_, *time);
      const auto at = has(Field::properties) ? property_names().find(member.key) : std::nullopt;
      if (at && *time > 0) out_.properties[*at].source_time = *time;
      return {};
    });
  }

  bool property_states() {
    return scalar_map(Field::property_states, [this](const JsonMember& member) -> std::string_view {
      if (!as_text(member.value)) return "must hold strings";
      append_as_string(json_, member.value);
      return {};
    });
  }

  bool collector_items(bool is_reply) {
    if (!has(Field::data)) return true;
    key(Field::data);
    if (const Status appended = append_collector_data(json_, value(Field::data), is_reply); !appended) {
      error_ = appended.error();
      return false;
    }
    return true;
  }

  // json_ grows no more: turns the views from the document to the message's own text.
  void place_properties() {
    if (out_.properties.empty()) return;
    const auto is_inside = [&](std::string_view name) {
      return name.data() >= properties_from_.data() && name.data() < properties_from_.data() + properties_from_.size();
    };
    std::size_t escaped = 0;
    for (const PropertyView& property : out_.properties) escaped += is_inside(property.name) ? 0 : property.name.size();
    out_.scratch.reserve(escaped);
    const char* const text = json_.data() + properties_at_;
    for (PropertyView& property : out_.properties) {
      property.value = {text + (property.value.data() - properties_from_.data()), property.value.size()};
      if (is_inside(property.name)) {
        property.name = {text + (property.name.data() - properties_from_.data()), property.name.size()};
      } else {
        const std::size_t at = out_.scratch.size();
        out_.scratch += property.name;
        property.name = std::string_view(out_.scratch).substr(at);
      }
    }
  }

  static UniqueNames& property_names() {
    thread_local UniqueNames names;
    return names;
  }

  const PayloadContext& context_;
  DeviceMessage& out_;
  std::string& json_;
  std::array<JsonValue, kFieldCount> values_;
  FieldMask present_ = 0;
  std::string_view properties_from_;  // the properties object in the document
  std::size_t properties_at_ = 0;     // and where it stands in json_
  std::optional<Error> error_;
};
}  // namespace

void append_head(std::string& json, MessageType type, std::string_view message_id, std::string_view device_id,
                 Millis timestamp) {
  json += R"({"messageType":")";
  json += to_string(type);
  json += '"';
  if (!message_id.empty()) {
    json += R"(,"messageId":)";
    append_quoted(json, message_id);
  }
  json += R"(,"deviceId":)";
  append_quoted(json, device_id);
  json += R"(,"timestamp":)";
  append_integer(json, timestamp);
}

Status decode_object(const JsonValue& object, const PayloadContext& context, DeviceMessage& out) {
  return PayloadDecoder(context, out).run(object);
}

Status decode_payload(std::string_view payload, const PayloadContext& context, DeviceMessage& out) {
  if (context.type != MessageType::direct) {
    JL_TRY(const JsonValue root, JsonDocument::of_this_thread().parse_object(payload));
    return decode_object(root, context, out);
  }
  out.type = context.type;
  out.device_id = context.device_id;
  out.timestamp = context.now;
  append_head(out.json, context.type, {}, context.device_id, context.now);
  out.json += R"(,"payload":)";
  append_base64(out.json, payload);
  out.json += '}';
  return {};
}

Result<std::string_view> decode_time_sync(std::string_view payload) {
  JL_TRY(const JsonValue root, JsonDocument::of_this_thread().parse_object(payload));
  std::string_view message_id;
  JsonMembers members(root);
  for (JsonMember member; members.next(member);) {
    if (field_from(member.key) != Field::message_id || member.value.is_null()) continue;
    const auto id = as_text(member.value);
    if (!id || !message_id.empty()) return Error(Errc::invalid, R"("messageId" must be one string)", "", "messageId");
    message_id = *id;
  }
  return message_id;
}

}  // namespace jl::codec::official
