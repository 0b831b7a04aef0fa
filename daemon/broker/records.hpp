#pragma once
// How sessions and retained messages stand in the store (Family::sessions). Keys begin with the network component's id:
//   id NUL s NUL client                 a session: how long it lives, what it is subscribed to
//   id NUL q NUL client NUL number      a message that waits for the client, or a reference to its body
//   id NUL i NUL client NUL number      the packet id under which it was sent, and how far the exchange is
//   id NUL r NUL client NUL packet id   a QoS 2 message of the client between PUBLISH and PUBREL
//   id NUL m NUL number                 the body of a message that several sessions wait for
//   id NUL t NUL topic                  a retained message
// Values begin with a version byte; numbers are big-endian; texts carry their length.
#include "common/base/result.hpp"
#include "daemon/broker/client.hpp"
#include "daemon/store/store.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl::broker::records {

enum class Kind : char { session = 's', queued = 'q', in_flight = 'i', inbound = 'r', body = 'm', retained = 't' };

/// The range of everything of one component.
[[nodiscard]] std::string prefix(std::string_view network_id);
[[nodiscard]] std::string prefix(std::string_view network_id, Kind kind);
/// Keys. `out` is reused.
void key(std::string& out, std::string_view network_id, Kind kind, std::string_view name);
void key(std::string& out, std::string_view network_id, Kind kind, std::string_view client, std::uint64_t number);
void key(std::string& out, std::string_view network_id, Kind kind, std::uint64_t number);

/// What follows the component and the kind in a key.
struct Name {
  std::string_view client;  ///< or topic
  std::uint64_t number = 0;
};
[[nodiscard]] std::optional<Name> name_of(std::string_view key, std::string_view network_id, Kind kind);

struct SessionRecord {
  std::uint32_t expiry_seconds = 0;
  Millis disconnected_at = 0;
  std::string user;
  std::vector<wire::mqtt::Subscription> subscriptions;
};
[[nodiscard]] std::string encode(const SessionRecord& record);
[[nodiscard]] Result<SessionRecord> decode_session(std::string_view bytes);

[[nodiscard]] std::string encode(const wire::mqtt::Message& message);
[[nodiscard]] Result<wire::mqtt::Message> decode_message(std::string_view bytes);

/// A message as one session has it: how it is to be delivered, and its body unless that has its own record.
struct QueuedRecord {
  std::uint8_t qos = 1;
  bool retain = false;
  std::string subscription_ids;
  std::optional<wire::mqtt::Message> body;
};
[[nodiscard]] std::string encode_queued(const wire::mqtt::Delivery& delivery, const wire::mqtt::Message* body);
[[nodiscard]] Result<QueuedRecord> decode_queued(std::string_view bytes);

struct InFlightRecord {
  std::uint16_t packet_id = 0;
  wire::mqtt::OutboundExchange::Phase phase{};
};
[[nodiscard]] std::string encode(const InFlightRecord& record);
[[nodiscard]] Result<InFlightRecord> decode_in_flight(std::string_view bytes);

}  // namespace jl::broker::records
