#pragma once
// A client of a broker: a client id with its connection, its session, or both (MQTT 5 §4.1). One object for as long as
// either lasts. It belongs to one I/O thread at a time, that of its connection, and moves when the client connects
// again on another one; only that thread touches what is not atomic here.
#include "daemon/network/mqtt_server.hpp"
#include "daemon/wire/mqtt/session_state.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace jl::broker {

class Broker;
class Client;

/// A message that the store keeps for sessions: its body once, however many sessions wait for it.
struct StoredMessage : wire::mqtt::Message {
  std::uint64_t number = 0;                       ///< of its record, and its order among all of the broker
  bool is_shared = false;                         ///< the body has a record of its own
  mutable std::atomic<std::uint32_t> records{0};  ///< sessions that still refer to it
};
using StoredPtr = std::shared_ptr<const StoredMessage>;

/// What a client does without while it is connected and nothing of it outlives the connection.
struct Session {
  Session(network::Timer::Callback on_expiry, network::Timer::Callback on_will, Client& client)
      : expiry(on_expiry, &client), will_delay(on_will, &client) {}
  std::uint32_t expiry_seconds = 0;                   ///< 0xFFFFFFFF = never
  Millis disconnected_at = 0;                         ///< 0 = connected
  std::unique_ptr<wire::mqtt::SessionState> state;    ///< while there is no connection
  std::map<std::uint64_t, StoredPtr> stored;          ///< by tag: what the store holds for it
  std::map<std::uint64_t, std::uint16_t> packet_ids;  ///< by tag: under which it was sent
  wire::mqtt::MessagePtr will;                        ///< that waits for its delay
  network::Timer expiry, will_delay;
};

/// Retained messages that are still to be sent to new subscriptions.
struct RetainedRun {
  static constexpr std::size_t kWindow = 16;     ///< of QoS 1 and 2 that are unfinished at once
  std::vector<wire::mqtt::Subscription> wanted;  ///< not looked up yet, each filter once
  std::vector<wire::mqtt::MessagePtr> messages;  ///< of `current`, from `next` on
  wire::mqtt::Subscription current;
  std::size_t next = 0;
  std::vector<std::uint64_t> unfinished;  ///< tags
  bool is_sending = false;

  void want(wire::mqtt::Subscription subscription);
  void forget(std::string_view filter);
};

/// Somebody in the daemon itself who listens in, such as `jlctl network sub`. Called on the client's thread.
using Tap = std::function<void(const wire::mqtt::Message& message, bool retained)>;

class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(std::string client_id, network::IoThread& thread) : id(std::move(client_id)), owner_(&thread) {}
  ~Client();

  const std::string id;

  /// Any thread. What is posted to a thread that lost the client meanwhile goes on to the next.
  [[nodiscard]] network::IoThread& thread() const { return *owner_.load(std::memory_order_acquire); }
  [[nodiscard]] bool is_connected() const { return connected_.load(std::memory_order_relaxed); }
  /// Whether messages of QoS 1 and 2 are kept for it in the store.
  [[nodiscard]] bool is_durable() const { return durable_.load(std::memory_order_acquire); }

 private:
  friend class Broker;
  std::atomic<network::IoThread*> owner_;
  std::atomic<bool> connected_{false}, durable_{false};

  // On its thread only.
  Broker* broker_ = nullptr;
  network::MqttConnection* connection_ = nullptr;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Tap> tap_;
  std::string user_;  // application user; "" = a device
  Millis since_ = 0;  // epoch ms of the connection
  std::unique_ptr<RetainedRun> fresh_;
  bool is_claimed_ = false;  // a new connection takes it over: closing the old one does not end it
  bool is_moving_ = false;   // to another thread, once what this one wrote of it is committed
  bool is_gone_ = false;     // it ended: who asks for its id again gets another one
};

}  // namespace jl::broker
