#include "daemon/codec/official/json_message.hpp"

#include "daemon/codec/json_document.hpp"
#include "daemon/codec/official/children.hpp"
#include "daemon/codec/official/coerce.hpp"
#include "daemon/codec/official/payload.hpp"
#include "daemon/codec/official/topics.hpp"

#include <array>

namespace jl::codec::official {
namespace {
// The members that say what a message is and whose; the others are read by type.
enum Member : std::size_t {
  kMessageType,
  kDeviceId,
  kEvent,
  kChildId,
  kChild,
  kFunctionId,
  kInputs,
  kProperties,
  kTags,
  kSuccess,
  kMembers
};
constexpr std::array<std::string_view, kMembers> kKeys{
    "messageType", "deviceId", "event",      "childDeviceId", "childDeviceMessage",
    "functionId",  "inputs",   "properties", "tags",          "success"};

using Envelope = std::array<std::optional<JsonValue>, kMembers>;

Error bad_member(Member member, std::string_view what) {
  const std::string key(kKeys[member]);
  return {Errc::invalid, "\"" + key + "\" " + std::string(what), "", key};
}

Result<Envelope> read_envelope(const JsonValue& root) {
  Envelope envelope;
  std::array<bool, kMembers> seen{};
  JsonMembers members(root);
  for (JsonMember member; members.next(member);) {
    const auto key = std::find(kKeys.begin(), kKeys.end(), member.key);
    if (key == kKeys.end()) continue;
    const auto at = static_cast<std::size_t>(key - kKeys.begin());
    if (seen[at]) return bad_member(static_cast<Member>(at), "is given twice");
    seen[at] = true;
    if (!member.value.is_null()) envelope[at] = member.value;
  }
  return envelope;
}

// wire.md 3.2, first hit wins: an object of properties is a reply, so reports must say what they are.
MessageType guess(const Envelope& envelope) {
  if (envelope[kEvent]) return MessageType::event;
  if (envelope[kFunctionId]) {
    return envelope[kInputs] ? MessageType::invoke_function : MessageType::invoke_function_reply;
  }
  if (envelope[kProperties]) {
    return envelope[kProperties]->is_array() ? MessageType::read_property : MessageType::read_property_reply;
  }
  if (envelope[kTags]) return MessageType::update_tag;
  return envelope[kSuccess] ? MessageType::acknowledge : MessageType::unknown;
}

// "" when the member is absent.
Result<std::string_view> text_of(const Envelope& envelope, Member member) {
  if (!envelope[member]) return std::string_view();
  const auto text = as_text(*envelope[member]);
  if (!text) return bad_member(member, "must be a string");
  return *text;
}

Result<MessageType> type_of(const Envelope& envelope) {
  if (!envelope[kMessageType]) return guess(envelope);
  JL_TRY(const std::string_view word, text_of(envelope, kMessageType));
  return message_type_from(word).value_or(MessageType::unknown);
}

class MessageDecoder {
 public:
  explicit MessageDecoder(Millis now) : now_(now) {}

  // `device` is who sends: the session's device, or the child that the wrapper names, or "".
  Result<Decoded> decode(const JsonValue& object, std::string_view device, std::size_t depth, DeviceMessage& out) {
    JL_TRY(const Envelope envelope, read_envelope(object));
    JL_TRY(const MessageType type, type_of(envelope));
    if (type == MessageType::unknown) return Decoded::nothing;
    if (!is_upstream(type)) {
      return Error(Errc::invalid, "a device does not send messages of type " + std::string(to_string(type)));
    }
    JL_TRY(std::string_view id, text_of(envelope, kDeviceId));
    if (id.empty()) id = device;
    if (depth == 0 && id != device) return Error(Errc::denied, "the message names another device");
    if (depth > 0) JL_CHECK(check_id(id, "the child device id"));
    if (type == MessageType::child || type == MessageType::child_reply) {
      return decode_child(envelope, type, id, depth, out);
    }
    PayloadContext context;
    context.type = type;
    context.device_id = id;
    context.now = now_;
    if (type == MessageType::event) {
      JL_TRY(context.event, text_of(envelope, kEvent));
      JL_CHECK(check_id(context.event, "the event id"));
    }
    JL_CHECK(decode_object(object, context, out));
    return Decoded::message;
  }

 private:
  Result<Decoded> decode_child(const Envelope& envelope, MessageType type, std::string_view id, std::size_t depth,
                               DeviceMessage& out) {
    if (depth == kMaxChildDepth) return Error(Errc::invalid, "child devices are nested deeper than 8 levels");
    if (!envelope[kChild] || !envelope[kChild]->is_object()) return bad_member(kChild, "must be an object");
    JL_TRY(const std::string_view child_id, text_of(envelope, kChildId));
    JL_TRY(const Decoded decoded, decode(*envelope[kChild], child_id, depth + 1, nested_message(out)));
    if (decoded == Decoded::message) wrap_child(out, id, type == MessageType::child_reply);
    return decoded;
  }

  Millis now_;
};
}  // namespace

Result<Decoded> decode_json_message(std::string_view payload, const DeviceIdentity& device, Millis now,
                                    DeviceMessage& out) {
  out.clear();
  JL_TRY(const JsonValue root, JsonDocument::of_this_thread().parse_object(payload));
  auto decoded = MessageDecoder(now).decode(root, device.device_id, 0, out);
  if (!decoded || *decoded != Decoded::message) out.clear();
  return decoded;
}

}  // namespace jl::codec::official
