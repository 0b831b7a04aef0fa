#pragma once
// Messages to devices as JSON objects: what callers may leave out, what devices must not see (wire.md 1.2, 1.4, 2.4).
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// The member; nullptr when it is absent or null.
[[nodiscard]] const boost::json::value* find(const boost::json::object& body, std::string_view key);
/// The member when it is a string, else "".
[[nodiscard]] std::string_view text_of(const boost::json::object& body, std::string_view key);

/// Errors: Errc::invalid when the message names another device than the session's.
[[nodiscard]] Status check_addressee(const DownMessage& message, const DeviceIdentity& device);

/// The message inside a CHILD message.
struct ChildMessage {
  MessageType type = MessageType::unknown;
  const boost::json::object* body = nullptr;
  std::string_view device_id;
};
/// Errors: Errc::invalid when there is none, or its device id cannot stand in a topic.
[[nodiscard]] Result<ChildMessage> child_of(const boost::json::object& body);

/// The error of a type that has no way down.
[[nodiscard]] Error unsupported_message(MessageType type, Transport transport);

/// What is sent: the fields in canonical order with the defaults of the type, without null fields, replyType, thingType
/// and internal headers (`_`-prefixed, token). Functions take their inputs as a list, from an object too. `v1_compat`
/// adds "function" beside "functionId".
[[nodiscard]] boost::json::object sent_message(MessageType type, const boost::json::object& body,
                                               std::string_view device_id, bool v1_compat);

}  // namespace jl::codec::official
