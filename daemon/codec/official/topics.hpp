#pragma once
// The topics of the official protocol (wire.md 2.2, 2.3), which are the paths of HTTP and CoAP as well, in one table:
// what matches, what is encoded, what is announced as routes.
#include "daemon/codec/message.hpp"
#include "daemon/codec/protocol.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace jl::codec::official {

/// Children below children, at most.
inline constexpr std::size_t kMaxChildDepth = 8;
/// Bytes of an id that a device sends.
inline constexpr std::size_t kMaxIdBytes = 256;

/// Whether a device may say this id (of itself, a child, an event): bounded, printable UTF-8, one segment of a topic.
/// `what` names it in the error: "the event id". Errors: Errc::invalid.
[[nodiscard]] Status check_id(std::string_view id, std::string_view what);

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

/// Reads the topic as that of a child of `gateway`, as if it stood under child/ there. Kind::too_deep when it was at
/// the limit; time-sync, which children do not have, becomes none.
void move_below(TopicMatch& topic, std::string_view gateway);

/// The suffix of a request or reply to a device ("properties/read"), "" for types that have no down topic.
[[nodiscard]] std::string_view down_suffix(MessageType type);

/// Whether the text can stand as one segment of a topic: an id of bounded size, printable, without / + #.
[[nodiscard]] bool is_topic_segment(std::string_view text);

/// Whether a topic or filter is "/{product}/{device}" or below; its wildcards, if any, stand below.
[[nodiscard]] bool is_below_device(std::string_view topic_or_filter, std::string_view product, std::string_view device);

/// Product and device of an up topic; nothing when match_up_topic finds none, or an id is too long or not printable.
[[nodiscard]] std::optional<TopicOwner> topic_owner(std::string_view topic);

/// Product and device of a path "/{product}/{device}/...", whether or not anything of ours stands behind them; nothing
/// when an id is missing, too long or not printable.
[[nodiscard]] std::optional<TopicOwner> path_owner(std::string_view path);
/// Product and device of a WebSocket's path "/{product}/{device}/socket" as sent. Ids need no percent-encoding, so
/// those that have one name nobody.
[[nodiscard]] std::optional<TopicOwner> socket_owner(std::string_view path);

/// Every topic, for people and for the subscriptions of MQTT clients.
[[nodiscard]] std::vector<Route> mqtt_routes();
/// What devices POST.
[[nodiscard]] std::vector<Route> http_routes();
[[nodiscard]] std::vector<Route> websocket_routes();
/// What devices POST, and the resource to observe for messages to them.
[[nodiscard]] std::vector<Route> coap_routes();

}  // namespace jl::codec::official
