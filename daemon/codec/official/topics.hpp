#pragma once
// The topics of the official protocol (wire.md 2.2, 2.3), in one table: what matches, what is encoded, what is
// announced as routes.
#include "daemon/codec/message.hpp"
#include "daemon/codec/protocol.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace jl::codec::official {

/// Children below children, at most.
inline constexpr std::size_t kMaxChildDepth = 8;
/// Bytes of an id that comes from a topic.
inline constexpr std::size_t kMaxIdBytes = 256;

/// One step down to a child device.
struct ChildStep {
  std::string_view id;
  bool reply = false;  ///< under child-reply/
};

/// What a topic names. Views point into the topic.
struct TopicMatch {
  enum class Kind : std::uint8_t { none, message, time_sync, too_deep };
  Kind kind = Kind::none;
  MessageType type = MessageType::unknown;
  std::string_view product, device;
  std::string_view event;  ///< EVENT only
  std::array<ChildStep, kMaxChildDepth> children{};
  std::size_t child_depth = 0;
};

/// Reads the topic of a message from a device. Down topics are none of ours. `v1_compat` adds
/// child/{id}/connected, disconnect and disconnected.
[[nodiscard]] TopicMatch match_up_topic(std::string_view topic, bool v1_compat);

/// The suffix of a request or reply to a device ("properties/read"), "" for types that have no down topic.
[[nodiscard]] std::string_view down_suffix(MessageType type);

/// Whether the text can stand as one segment of a topic: an id of bounded size, printable, without / + #.
[[nodiscard]] bool is_topic_segment(std::string_view text);

/// Whether a topic or filter is "/{product}/{device}" or below; its wildcards, if any, stand below.
[[nodiscard]] bool is_below_device(std::string_view topic_or_filter, std::string_view product, std::string_view device);

/// Product and device of an up topic; nothing when match_up_topic finds none, or an id is too long or not printable.
[[nodiscard]] std::optional<TopicOwner> topic_owner(std::string_view topic);

/// Every topic, for people and for the subscriptions of MQTT clients.
[[nodiscard]] std::vector<Route> mqtt_routes();

}  // namespace jl::codec::official
