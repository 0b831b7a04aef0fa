#include "daemon/network/mqtt_client.hpp"

#include "daemon/base/log.hpp"
#include "daemon/network/backoff.hpp"
#include "daemon/network/mqtt_client_link.hpp"
#include "daemon/network/mqtt_client_lookup.hpp"
#include "daemon/network/mqtt_client_publications.hpp"
#include "daemon/network/mqtt_client_subscriptions.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <utility>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.mqtt";
constexpr std::chrono::seconds kStopLimit{5};

using State = MqttClient::Status::State;

std::string_view word(State state) {
  return state == State::running ? "running" : state == State::failed ? "failed" : "connecting";
}

// The size of the PUBLISH packet that carried it, MQTT 5 properties not counted.
std::size_t packet_size(std::size_t topic, std::size_t payload, int qos) {
  const std::size_t rest = 2 + topic + (qos > 0 ? 2 : 0) + payload;
  std::size_t digits = 1;
  for (std::size_t left = rest / 128; left > 0; left /= 128) ++digits;
  return 1 + digits + rest;
}

bool must_reconnect(const MqttClientOptions& a, const MqttClientOptions& b) {
  return a.host != b.host || a.port != b.port || a.client_id != b.client_id || a.username != b.username ||
         a.password != b.password || a.v5 != b.v5 || a.clean_session != b.clean_session ||
         a.topic_prefix != b.topic_prefix || a.tls_identity != b.tls_identity ||
         (a.tls == nullptr) != (b.tls == nullptr);
}

MqttClientOptions with_defaults(MqttClientOptions options) {
  if (options.client_id.empty()) options.client_id = options.id;
  return options;
}

// Everything but the atomics and the status lives on the I/O thread. It holds itself until it has stopped.
class Core final : public MqttClientLink::Owner, public std::enable_shared_from_this<Core> {
 public:
  Core(MqttClientOptions options, IoThread& thread, std::shared_ptr<MqttClientHandler> handler)
      : thread_(thread), options_(std::move(options)), handler_(std::move(handler)) {
    status_.since = thread.clock().now();
  }

  void start() {
    self_ = shared_from_this();
    attempt();
  }
  void stop(std::shared_ptr<std::promise<void>> done);
  void update(MqttClientOptions options);
  void subscribe(std::vector<MqttClientFilter> filters);
  bool publish(std::string_view topic, std::string_view payload, int qos, bool retain);

  MqttClient::Status status() const {
    const std::scoped_lock lock(mutex_);
    return status_;
  }

  IoThread& thread_;
  MqttClientCounters counters_;

 private:
  void on_link_open() override;
  void on_link_message(const mosquitto_message& message) override;
  void on_link_subscribed(int id, bool granted) override;
  void on_link_published(int id) override;
  void on_link_flush() override;
  void on_link_ended(std::string reason) override;

  void attempt();
  void dial();
  void restart();
  void failed(std::string reason);
  void settle_subscriptions();
  void stopped();
  void report(State state, std::string reason);

  MqttClientOptions options_;
  std::shared_ptr<MqttClientHandler> handler_;
  std::shared_ptr<Core> self_;
  std::shared_ptr<std::promise<void>> stopping_;  // set from stop() on
  Lookup lookup_;
  Lookup::Addresses addresses_;  // of this attempt, the next one last
  std::unique_ptr<MqttClientLink> link_;
  bool was_open_ = false;
  bool restarts_ = false;  // new options: what is on its way does not count as a failure
  Backoff backoff_;
  std::mt19937 random_{std::random_device{}()};
  Timer retry_{[](void* core) { static_cast<Core*>(core)->attempt(); }, this};
  std::vector<MqttClientFilter> filters_;
  Subscriptions subscriptions_;
  std::map<int, std::string> asked_;  // by packet id, until the SUBACK
  Publications publications_;
  log::RateLimit oversize_log_, refused_log_;
  std::array<log::RateLimit, 3> state_log_;  // one per state, so that a recovery is not held back by the failure

  mutable std::mutex mutex_;
  MqttClient::Status status_;
};

void Core::attempt() {
  // A lookup that is on its way ends first: there is never more than one attempt.
  if (stopping_ != nullptr || link_ != nullptr || lookup_.is_running()) return;
  restarts_ = false;
  lookup_.start(options_.host, thread_, [weak = weak_from_this()](Result<Lookup::Addresses> found) {
    const auto self = weak.lock();
    if (self == nullptr || self->stopping_ != nullptr) return;
    if (self->restarts_) return self->attempt();
    if (!found) return self->failed(found.error().message);
    self->addresses_.assign(found->rbegin(), found->rend());
    self->dial();
  });
}

// The addresses in turn, until one takes the TCP connection.
void Core::dial() {
  std::string reason;
  while (!addresses_.empty()) {
    const std::string address = std::move(addresses_.back());
    addresses_.pop_back();
    link_ = std::make_unique<MqttClientLink>(options_, thread_, *this);
    const auto connecting = link_->connect(address);
    if (connecting) return;
    link_.reset();
    reason = connecting.error().message;
  }
  failed(std::move(reason));
}

void Core::failed(std::string reason) {
  counters_.failures.fetch_add(1, std::memory_order_relaxed);
  report(State::failed, std::move(reason));
  thread_.timers().set(retry_, backoff_.next(std::uniform_real_distribution<double>(0, 1)(random_)));
}

void Core::on_link_open() {
  addresses_.clear();
  backoff_.reset();
  was_open_ = true;
  counters_.connects.fetch_add(1, std::memory_order_relaxed);
  report(State::running, "");
  subscriptions_.connected(options_.clean_session);
  settle_subscriptions();
  handler_->on_connected();
}

void Core::settle_subscriptions() {
  subscriptions_.settle(
      [this](const std::string& filter, int qos) {
        const int id = link_->subscribe(filter, qos);
        if (id >= 0) asked_[id] = filter;
        if (id < 0) log::warn(kLogger, "filter cannot be subscribed component={} filter=\"{}\"", options_.id, filter);
      },
      [this](const std::string& filter) { link_->unsubscribe(filter); });
}

void Core::on_link_subscribed(int id, bool granted) {
  auto asked = asked_.extract(id);
  if (asked.empty() || granted) return;
  report(State::running, fmt::format("the broker refused the subscription to \"{}\"", asked.mapped()));
}

void Core::on_link_message(const mosquitto_message& message) {
  const std::string_view topic = message.topic;
  const auto length = static_cast<std::size_t>(message.payloadlen);
  if (packet_size(topic.size(), length, message.qos) > options_.max_message_size) {
    counters_.over_limit.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t held = 0;
    if (!oversize_log_.allow(thread_.clock().steady(), held)) return;
    log::warn(kLogger, "message over the limit dropped component={} bytes={} limit={} suppressed={}", options_.id,
              length, options_.max_message_size, held);
    return;
  }
  counters_.received_messages.fetch_add(1, std::memory_order_relaxed);
  counters_.received_bytes.fetch_add(topic.size() + length, std::memory_order_relaxed);
  handler_->on_message(topic, {static_cast<const char*>(message.payload), length}, message.qos, message.retain);
}

void Core::on_link_flush() {
  publications_.hand_over(thread_.commit_number(), [this](const Publication& each) {
    const int id = link_->publish(each.topic, each.payload, each.qos, each.retain);
    std::uint64_t held = 0;
    if (id < 0 && refused_log_.allow(thread_.clock().steady(), held)) {
      log::warn(kLogger, "message cannot be published component={} topic=\"{}\" qos={} suppressed={}", options_.id,
                each.topic, each.qos, held);
    }
    return id;
  });
}

void Core::on_link_published(int id) {
  const std::size_t bytes = publications_.done(id);
  if (bytes == 0) return;
  counters_.sent_messages.fetch_add(1, std::memory_order_relaxed);
  counters_.sent_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void Core::on_link_ended(std::string reason) {
  const auto keep = shared_from_this();
  link_.reset();
  asked_.clear();
  publications_.connection_lost();
  if (std::exchange(was_open_, false)) handler_->on_disconnected();
  if (stopping_ != nullptr) return stopped();
  if (restarts_) {
    report(State::connecting, "");
    return attempt();
  }
  if (!addresses_.empty()) return dial();
  failed(std::move(reason));
}

void Core::restart() {
  restarts_ = true;
  retry_.cancel();
  backoff_.reset();
  addresses_.clear();
  if (link_ != nullptr && link_->is_open()) return link_->disconnect();
  link_.reset();
  report(State::connecting, "");
  attempt();
}

void Core::update(MqttClientOptions options) {
  if (stopping_ != nullptr) return;
  const bool reconnect = must_reconnect(options_, options);
  options_ = std::move(options);
  subscriptions_.want(options_.topic_prefix, filters_);
  if (reconnect) restart();
}

void Core::subscribe(std::vector<MqttClientFilter> filters) {
  filters_ = std::move(filters);
  subscriptions_.want(options_.topic_prefix, filters_);
  if (stopping_ == nullptr && link_ != nullptr && link_->is_open()) settle_subscriptions();
}

bool Core::publish(std::string_view topic, std::string_view payload, int qos, bool retain) {
  if (stopping_ != nullptr || link_ == nullptr || !link_->is_open()) return false;
  if (topic.empty() || topic.find('\0') != std::string_view::npos || qos < 0 || qos > 2) return false;
  if (!publications_.add({std::string(topic), std::string(payload), qos, retain, thread_.commit_number()})) {
    return false;
  }
  thread_.request_flush(*link_);
  return true;
}

void Core::stop(std::shared_ptr<std::promise<void>> done) {
  stopping_ = std::move(done);
  lookup_.give_up();
  retry_.cancel();
  if (link_ != nullptr && link_->is_open()) return link_->disconnect();
  link_.reset();
  stopped();
}

void Core::stopped() {
  handler_.reset();
  stopping_->set_value();
  self_.reset();
}

// One line per change: a broker that stays away for a day is one record.
void Core::report(State state, std::string reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (status_.state == state && status_.reason == reason) return;
    status_ = {state, reason, thread_.clock().now()};
  }
  std::uint64_t held = 0;
  if (!state_log_[static_cast<std::size_t>(state)].allow(thread_.clock().steady(), held)) return;
  const auto level = state == State::failed || !reason.empty() ? log::Level::warn : log::Level::info;
  log::write(level, kLogger,
             fmt::format("broker {} component={} host={} port={} reason=\"{}\" suppressed={}", word(state), options_.id,
                         options_.host, options_.port, reason, held));
}

class Client final : public MqttClient {
 public:
  explicit Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~Client() override { Client::stop(); }

  void stop() override {
    if (is_stopped_.exchange(true)) return;
    auto done = std::make_shared<std::promise<void>>();
    const auto ended = done->get_future();
    core_->thread_.post([core = core_, done = std::move(done)]() mutable { core->stop(std::move(done)); });
    if (ended.wait_for(kStopLimit) != std::future_status::ready) {
      log::warn(kLogger, "client did not stop in time seconds={}", kStopLimit.count());
    }
  }
  void update(const MqttClientOptions& options) override {
    auto next = with_defaults(options);
    if (const auto ok = MqttClientLink::check(next); !ok) {
      log::warn(kLogger, "options not taken component={} error=\"{}\"", next.id, ok.error().message);
      return;
    }
    core_->thread_.post([core = core_, next = std::move(next)]() mutable { core->update(std::move(next)); });
  }
  void subscribe(std::vector<MqttClientFilter> filters) override {
    core_->thread_.post(
        [core = core_, filters = std::move(filters)]() mutable { core->subscribe(std::move(filters)); });
  }
  bool publish(std::string_view topic, std::string_view payload, int qos, bool retain) override {
    return core_->publish(topic, payload, qos, retain);
  }
  IoThread& thread() const override { return core_->thread_; }
  Status status() const override { return core_->status(); }
  const MqttClientCounters& counters() const override { return core_->counters_; }

 private:
  const std::shared_ptr<Core> core_;
  std::atomic<bool> is_stopped_{false};
};

}  // namespace

std::string local_filter(std::string_view filter) {
  constexpr std::string_view kShare = "$share/";
  constexpr std::string_view kQueue = "$queue";
  std::string local(filter);
  if (filter.starts_with(kShare)) {
    const auto end = filter.find('/', kShare.size());
    if (end != std::string_view::npos) local = filter.substr(end);
  } else if (filter.starts_with(kQueue)) {
    local = filter.substr(kQueue.size());
  }
  if (local.starts_with("//")) local.erase(0, 1);
  return local;
}

Result<std::unique_ptr<MqttClient>> MqttClient::start(const MqttClientOptions& options, IoThread& thread,
                                                      std::shared_ptr<MqttClientHandler> handler) {
  auto complete = with_defaults(options);
  JL_CHECK(MqttClientLink::check(complete));
  auto core = std::make_shared<Core>(std::move(complete), thread, std::move(handler));
  thread.post([core] { core->start(); });
  return std::unique_ptr<MqttClient>(std::make_unique<Client>(std::move(core)));
}

}  // namespace jl::network
