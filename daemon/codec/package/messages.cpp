#include "daemon/codec/package/messages.hpp"

#include "daemon/codec/json_document.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/json_message.hpp"

#include <fmt/format.h>

namespace jl::codec::package {

Status add_messages(std::string_view returned, std::vector<std::string>& messages) {
  if (returned.empty() || returned == "null") return {};
  const auto add = [&](std::string_view text) -> Status {
    if (text == "null") return {};
    if (!text.starts_with('{'))
      return Error(Errc::invalid, "a device message must be an object, not " + std::string(text.substr(0, 40)));
    if (messages.size() >= kMostMessages)
      return Error(Errc::too_large, fmt::format("one call may make {} messages at most", kMostMessages));
    messages.emplace_back(text);
    return {};
  };
  if (!returned.starts_with('[')) return add(returned);
  // JSON.stringify() leaves no white space, which is what the cursor asks for.
  JsonTextCursor cursor(returned);
  cursor.skip();
  if (returned == "[]") return {};
  for (std::string_view item = cursor.value(); !item.empty(); item = cursor.value()) {
    JL_CHECK(add(item));
    cursor.skip();
  }
  return {};
}

std::string named_device(const std::vector<std::string>& messages) {
  if (messages.empty()) return {};
  const auto object = JsonDocument::of_this_thread().parse_object(messages.front());
  if (!object) return {};
  JsonMembers members(*object);
  for (JsonMember member; members.next(member);) {
    std::string_view text;
    if (member.key == "deviceId" && member.value.element.get(text) == simdjson::SUCCESS) return std::string(text);
  }
  return {};
}

std::string with_message_id(const std::string& reply, const boost::json::object& command) {
  boost::system::error_code ec;
  boost::json::parse_options deep;
  deep.max_depth = 128;  // as deep as scripts' results may be
  boost::json::value parsed = boost::json::parse(reply, ec, {}, deep);
  const auto* id = command.if_contains("messageId");
  if (ec || !parsed.is_object() || !id || parsed.as_object().contains("messageId")) return reply;
  parsed.as_object()["messageId"] = *id;
  std::string out;
  append_value(out, parsed);
  return out;
}

Result<Decoded> read_messages(const std::vector<std::string>& messages, const DeviceIdentity& device, Millis now,
                              DeviceMessage& out) {
  DeviceMessage* at = nullptr;
  for (const auto& json : messages) {
    DeviceMessage* slot = &out;
    if (at) {
      if (!at->next) at->next = std::make_unique<DeviceMessage>();
      slot = at->next.get();
    }
    auto decoded = official::decode_json_message(json, device, now, *slot);
    if (!decoded) {
      Error error = decoded.error();
      error.message = "a message that decode() made: " + error.message;
      out.clear();
      return error;
    }
    if (*decoded != Decoded::message) continue;
    if (at) at->has_next = true;
    at = slot;
  }
  return at ? Decoded::message : Decoded::nothing;
}

}  // namespace jl::codec::package
