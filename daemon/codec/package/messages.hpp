#pragma once
// Device messages as scripts make them: JSON text, one by one or in lists.
#include "daemon/codec/protocol.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec::package {

/// The most messages that one call may make.
inline constexpr std::size_t kMostMessages = 1000;

/// Adds the messages of a list, or a single one, that a function returned as JSON text without white space; none for ""
/// and null. Errors: invalid, too_large.
[[nodiscard]] Status add_messages(std::string_view returned, std::vector<std::string>& messages);

/// The device that the first message names; "" when none does.
[[nodiscard]] std::string named_device(const std::vector<std::string>& messages);

/// Reads the messages into `out` and what follows it. Errors: invalid, denied (one speaks for another device).
[[nodiscard]] Result<Decoded> read_messages(const std::vector<std::string>& messages, const DeviceIdentity& device,
                                            Millis now, DeviceMessage& out);

/// An answer that encode() makes by itself is to the command, whether or not it repeats its id.
[[nodiscard]] std::string with_message_id(const std::string& reply, const boost::json::object& command);

}  // namespace jl::codec::package
