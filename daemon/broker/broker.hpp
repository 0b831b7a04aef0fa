#pragma once
// The broker of one MQTT server component: clients by client id, their sessions, subscriptions, retained messages, and
// the way of a message to its subscribers. It knows no devices and no users: the access room says who may do what.
//
// Threads: a client belongs to the I/O thread of its connection. A message is matched on the thread that brings it (on
// that thread's own copy of the subscriptions, without a lock), written to that thread's log for every session that
// must not lose it, and handed to the threads of its receivers once that log is committed: so an acknowledged message
// is in the store for all of them.
#include "daemon/broker/client.hpp"
#include "daemon/broker/retained.hpp"
#include "daemon/broker/subscriptions.hpp"

#include <array>
#include <mutex>
#include <unordered_map>

namespace jl::broker {

using wire::mqtt::kNeverExpires;

struct BrokerOptions {
  std::string network_id;
  std::size_t max_sessions = 100'000;                ///< that outlive their connection
  std::size_t max_queued = 1000;                     ///< messages that wait for one client
  std::uint32_t max_session_expiry = 7 * 24 * 3600;  ///< seconds; longer wishes are cut to this
  Retained::Limits retained{};
};

/// Counters since the component started. Any thread.
struct BrokerCounters {
  std::atomic<std::uint64_t> published{0}, delivered{0}, dropped{0}, retained_refused{0};
  std::atomic<std::size_t> clients{0}, sessions{0};
};

/// A client that was authenticated and wants to be admitted.
struct Arrival {
  std::string client_id;
  std::string user;  ///< "" = a device
  bool clean_start = true;
  std::uint32_t session_expiry = 0;  ///< seconds
};

/// How it was admitted: what to accept its connection with.
struct Admission {
  std::shared_ptr<Client> client;  ///< nullptr: refuse it
  std::string why;                 ///< in words, when it is to be refused
  bool is_in_use = false;          ///< refused because another user has the client id, else for a limit
  std::unique_ptr<wire::mqtt::SessionState> state;
  bool session_present = false;
  std::uint32_t session_expiry = 0;  ///< granted
};

/// A client as `jlctl network clients` shows it.
struct ClientInfo {
  std::string id, user, address, tls_subject;
  bool connected = false;
  int version = 0;   ///< 3, 4 or 5; 0 when not connected
  Millis since = 0;  ///< of the connection, or of its end
  std::uint32_t session_expiry = 0, keep_alive = 0;
  std::size_t subscriptions = 0, queued = 0, in_flight = 0;
  std::vector<std::string> filters;
};

class Broker : public std::enable_shared_from_this<Broker> {
 public:
  /// Reads what the store holds of this component's sessions. `logs` by thread index. Errors: storage, corrupt.
  [[nodiscard]] static Result<std::shared_ptr<Broker>> open(const BrokerOptions& options, network::IoThreads& threads,
                                                            std::vector<std::unique_ptr<device::TurnLog>>& logs,
                                                            store::Store& store, const Clock& clock);
  Broker(const BrokerOptions& options, network::IoThreads& threads, std::vector<std::unique_ptr<device::TurnLog>>& logs,
         const Clock& clock);
  ~Broker();
  Broker(const Broker&) = delete;

  /// New limits, for what happens from now on. Any thread.
  void update(const BrokerOptions& options);
  /// Ends its timers, and waits until what it wrote is in the store. After its connections are closed; not from an I/O
  /// thread.
  void stop();

  // Of a connection's life, on its thread.
  /// Takes the client id for this connection: whoever has it is closed first ("session taken over"). `admit` comes on
  /// the connection's thread, at once or later, unless the connection is gone by then; it must accept or refuse.
  void connect(const std::shared_ptr<network::MqttConnection>& connection, Arrival arrival,
               std::function<void(Admission)> admit);
  /// The connection is over. `will` is what is to be published unless the client comes back within its delay.
  void closed(Client& client, network::MqttConnection& connection, wire::mqtt::MessagePtr will,
              std::uint32_t will_delay);
  /// One granted subscription; `is_new`: the client did not have this filter.
  void subscribe(Client& client, std::string_view filter, const wire::mqtt::SubscribeOptions& options, bool is_new);
  void unsubscribe(Client& client, std::string_view filter);
  /// The SUBSCRIBE is answered: retained messages follow.
  void subscribed(Client& client);
  /// The packet that changed the client's subscriptions is answered.
  void remember(Client& client);
  /// The connection has sent all it had: more retained messages may follow.
  void drained(Client& client);
  // What the machine says of messages with a tag, and of QoS 2 messages that come in.
  void sent(Client& client, std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos);
  void received(Client& client, std::uint64_t tag);
  void finished(Client& client, std::uint64_t tag);
  void inbound(Client& client, std::uint16_t packet_id, bool held);

  /// Routes a message, and keeps it when it is to be retained. `from` may be nullptr. On an I/O thread, `here`.
  /// success, no_matching_subscribers, or quota_exceeded (too many retained messages; then nothing happened).
  wire::mqtt::ReasonCode publish(const std::shared_ptr<StoredMessage>& message, const Client* from,
                                 network::IoThread& here);
  /// Whether anybody but devices is subscribed to anything. Any thread; one relaxed load.
  [[nodiscard]] bool has_listeners() const { return listeners_.load(std::memory_order_relaxed) > 0; }

  // For people. Any thread; `done` comes on an I/O thread.
  void list(std::function<void(std::vector<ClientInfo>)> done, const std::string& only = {});
  /// Closes the client's connection; with `forget` its session ends as well. `done(false)`: there is no such client.
  void kick(const std::string& client_id, bool forget, std::function<void(bool)> done);
  /// Closes every connection of an application user; with `forget` its sessions end as well.
  void close_user(const std::string& user, bool forget);
  /// Hears what a subscriber of this filter would, retained messages first, until the handle is given up.
  [[nodiscard]] std::shared_ptr<void> tap(const std::string& filter, Tap tap);

  [[nodiscard]] const BrokerCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t retained_count() const { return retained_.size(); }
  /// Forgets retained messages that have expired. Any thread.
  void tidy();
  /// What erases everything of a component from the store.
  [[nodiscard]] static Status erase(store::Store& store, std::string_view network_id);

 private:
  struct Outgoing {
    std::shared_ptr<Client> client;
    wire::mqtt::Delivery delivery;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string_view, std::shared_ptr<Client>> clients;  // keyed by their own ids
  };
  static constexpr std::size_t kShards = 16;

  // broker.cpp
  void claim(std::shared_ptr<Client> client, std::weak_ptr<network::MqttConnection> connection,
             network::IoThread& thread, Arrival arrival, std::function<void(Admission)> admit);
  void free_for(Client& client, const Arrival& arrival);
  void move(std::shared_ptr<Client> client, std::weak_ptr<network::MqttConnection> connection,
            network::IoThread& thread, Arrival arrival, std::function<void(Admission)> admit);
  void settle(const std::shared_ptr<Client>& client, const std::weak_ptr<network::MqttConnection>& connection,
              const Arrival& arrival, const std::function<void(Admission)>& admit);
  void forget_client(Client& client);
  void end_session(Client& client);
  void leave(Client& client);
  void publish_will(Client& client);
  void publish_now(Client& client, const wire::mqtt::MessagePtr& will);
  void write_session(Client& client);
  static void on_expiry(void* client);
  static void on_will(void* client);
  [[nodiscard]] Session& session_of(Client& client);
  [[nodiscard]] Shard& shard_of(std::string_view id) { return shards_[Hash{}(id) % kShards]; }
  [[nodiscard]] device::TurnLog& log_of(const network::IoThread& thread) const { return *logs_[thread.index()]; }
  [[nodiscard]] BrokerOptions options() const;

  // routing.cpp
  void route(const std::shared_ptr<StoredMessage>& message, const Client* from, network::IoThread& here,
             std::vector<const Subscriber*>& found, std::size_t filters);
  void store(const StoredMessage& message, const Client& client, const wire::mqtt::Delivery& delivery,
             device::TurnLog& log);
  void deliver(Client& client, wire::mqtt::Delivery delivery);
  wire::mqtt::SendResult offer(Client& client, wire::mqtt::Delivery delivery);
  void hand_over(std::size_t thread, std::vector<Outgoing> batch);
  void erase_record(const Client& client, const StoredMessage& message, device::TurnLog& log);
  void send_retained(Client& client);
  bool send_one_retained(Client& client);

  // people.cpp
  struct Round;
  [[nodiscard]] ClientInfo info_of(const Client& client) const;
  void visit_all(std::function<void(Client&)> visit, std::function<void()> done, const std::string& only = {});
  void go_round(std::size_t thread, std::vector<std::shared_ptr<Client>> clients, const std::shared_ptr<Round>& round);
  void close(Client& client, bool forget);

  // load.cpp
  Status load(store::Store& store);
  void start_timers(network::IoThread& thread);

  network::IoThreads& threads_;
  std::vector<std::unique_ptr<device::TurnLog>>& logs_;
  const Clock& clock_;
  const std::string network_id_;
  mutable std::mutex options_mutex_;
  BrokerOptions options_;
  std::atomic<std::size_t> max_queued_;
  std::array<Shard, kShards> shards_;
  std::atomic<bool> stopped_{false};
  const std::shared_ptr<Subscriptions> subscriptions_;
  Retained retained_;
  std::atomic<std::uint64_t> next_number_{1};
  std::atomic<std::size_t> listeners_{0};  // subscriptions of applications and taps
  BrokerCounters counters_;
};

}  // namespace jl::broker
