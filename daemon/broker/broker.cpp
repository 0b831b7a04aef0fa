#include "daemon/broker/broker.hpp"

#include "common/base/assert.hpp"
#include "daemon/base/log.hpp"
#include "daemon/broker/records.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace jl::broker {

using network::IoThread;
using network::MqttConnection;
using store::Family;
using wire::mqtt::SessionState;

namespace {

Millis milliseconds(std::uint32_t seconds) { return Millis{1000} * seconds; }

}  // namespace

Client::~Client() = default;

Broker::Broker(const BrokerOptions& options, network::IoThreads& threads,
               std::vector<std::unique_ptr<device::TurnLog>>& logs, const Clock& clock)
    : threads_(threads),
      logs_(logs),
      clock_(clock),
      network_id_(options.network_id),
      options_(options),
      max_queued_(options.max_queued),
      subscriptions_(std::make_shared<Subscriptions>(threads)),
      retained_(options.network_id, options.retained) {}

Broker::~Broker() = default;

BrokerOptions Broker::options() const {
  const std::lock_guard lock(options_mutex_);
  return options_;
}

void Broker::update(const BrokerOptions& options) {
  max_queued_.store(options.max_queued, std::memory_order_relaxed);
  retained_.set_limits(options.retained);
  const std::lock_guard lock(options_mutex_);
  options_ = options;
}

void Broker::stop() {
  stopped_.store(true, std::memory_order_release);
  std::vector<std::shared_ptr<Client>> all;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, client] : shard.clients) all.push_back(client);
  }
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    JL_ASSERT(!threads_.at(i).is_current());
    auto done = std::make_shared<std::promise<void>>();
    auto is_done = done->get_future();
    threads_.at(i).post([&thread = threads_.at(i), &all, done] {
      for (const auto& client : all) {
        if (&client->thread() != &thread) continue;
        client->is_gone_ = true;
        client->connection_ = nullptr;
        client->session_.reset();
      }
      thread.after_commit([done](bool) { done->set_value(); });
    });
    is_done.wait();
  }
}

// ---- a client id and who has it

void Broker::connect(const std::shared_ptr<MqttConnection>& connection, Arrival arrival,
                     std::function<void(Admission)> admit) {
  if (stopped_.load(std::memory_order_acquire) || !connection->is_deciding()) return;
  IoThread& here = connection->thread();
  std::shared_ptr<Client> client;
  bool is_new = false;
  {
    Shard& shard = shard_of(arrival.client_id);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.clients.find(arrival.client_id); at != shard.clients.end()) {
      client = at->second;
    } else {
      client = std::make_shared<Client>(arrival.client_id, here);
      client->broker_ = this;
      shard.clients.emplace(client->id, client);
      is_new = true;
    }
  }
  if (is_new) {
    counters_.clients.fetch_add(1, std::memory_order_relaxed);
    return settle(client, connection, arrival, admit);
  }
  if (&client->thread() == &here)
    return claim(std::move(client), connection, here, std::move(arrival), std::move(admit));
  IoThread& there = client->thread();
  there.post([self = shared_from_this(), client = std::move(client), weak = std::weak_ptr(connection), &here,
              arrival = std::move(arrival), admit = std::move(admit)]() mutable {
    self->claim(std::move(client), std::move(weak), here, std::move(arrival), std::move(admit));
  });
}

// On the thread that has the client: frees it of its connection and hands it to the thread of the new one, where all of
// this is looked at again: it may have got another connection, or its end, on the way.
void Broker::claim(std::shared_ptr<Client> client, std::weak_ptr<MqttConnection> connection, IoThread& thread,
                   Arrival arrival, std::function<void(Admission)> admit) {
  IoThread& there = client->thread();
  if (!there.is_current()) {
    return there.post([self = shared_from_this(), client = std::move(client), connection = std::move(connection),
                       &thread, arrival = std::move(arrival), admit = std::move(admit)]() mutable {
      self->claim(std::move(client), std::move(connection), thread, std::move(arrival), std::move(admit));
    });
  }
  if (stopped_.load(std::memory_order_acquire)) {
    client->is_gone_ = true;
    return client->session_.reset();
  }
  if (client->is_gone_) {  // it ended on the way here: from the beginning, once its id is free
    return there.after_commit([self = shared_from_this(), connection = std::move(connection), &thread,
                               arrival = std::move(arrival), admit = std::move(admit)](bool) mutable {
      thread.post([self = std::move(self), connection = std::move(connection), arrival = std::move(arrival),
                   admit = std::move(admit)]() mutable {
        if (const auto alive = connection.lock()) self->connect(alive, std::move(arrival), std::move(admit));
      });
    });
  }
  if (&thread == &there) {
    const auto alive = connection.lock();
    if (!alive || !alive->is_deciding()) return client->connection_ ? void() : leave(*client);
  }
  // Whoever logs in as somebody else does not get the session, nor ends it.
  if (client->user_ != arrival.user) {
    return thread.post([connection = std::move(connection), admit = std::move(admit)] {
      const auto alive = connection.lock();
      if (!alive || !alive->is_deciding()) return;
      Admission refused;
      refused.is_in_use = true;
      refused.why = "the client id is in use by another user";
      admit(std::move(refused));
    });
  }
  free_for(*client, arrival);
  if (&thread == &there) return settle(client, connection, arrival, admit);
  move(std::move(client), std::move(connection), thread, std::move(arrival), std::move(admit));
}

// Takes its connection from the client, and of its session what the new one does not go on with.
void Broker::free_for(Client& client, const Arrival& arrival) {
  client.is_claimed_ = true;
  if (client.connection_) {
    client.connection_->close(wire::mqtt::CloseCause::taken_over, wire::mqtt::ReasonCode::session_taken_over);
  }
  if (client.session_) {
    client.session_->expiry.cancel();
    client.session_->will_delay.cancel();
    if (arrival.clean_start || client.session_->expiry_seconds == 0) {
      end_session(client);
    } else {
      client.session_->will.reset();  // it came back in time [MQTT-3.1.3-9]
    }
  }
  client.is_claimed_ = false;
}

// What two threads write of one client must reach the store in that order, so this one's is committed first.
void Broker::move(std::shared_ptr<Client> client, std::weak_ptr<MqttConnection> connection, IoThread& thread,
                  Arrival arrival, std::function<void(Admission)> admit) {
  IoThread& there = client->thread();
  client->is_moving_ = true;
  there.after_commit([self = shared_from_this(), client = std::move(client), connection = std::move(connection),
                      &thread, arrival = std::move(arrival), admit = std::move(admit)](bool) mutable {
    if (client->thread().is_current()) {
      client->is_moving_ = false;
      // From here on this thread does not touch it any more: what comes for it is passed on.
      if (!client->connection_ && !client->is_gone_) client->owner_.store(&thread, std::memory_order_release);
    }
    self->claim(std::move(client), std::move(connection), thread, std::move(arrival), std::move(admit));
  });
}

void Broker::settle(const std::shared_ptr<Client>& client, const std::weak_ptr<MqttConnection>& weak,
                    const Arrival& arrival, const std::function<void(Admission)>& admit) {
  const auto connection = weak.lock();
  if (!connection || !connection->is_deciding()) return leave(*client);
  const BrokerOptions limits = options();
  Admission out;
  out.session_expiry = std::min(arrival.session_expiry, limits.max_session_expiry);
  out.session_present = client->session_ != nullptr;
  if (!out.session_present && out.session_expiry > 0) {
    if (counters_.sessions.load(std::memory_order_relaxed) >= limits.max_sessions) {
      leave(*client);
      Admission refused;
      refused.why = "too many sessions";
      return admit(std::move(refused));
    }
    (void)session_of(*client);
  }
  if (client->session_) {
    client->session_->expiry_seconds = out.session_expiry;
    client->session_->disconnected_at = 0;
    out.state = std::move(client->session_->state);
  }
  client->connection_ = connection.get();
  client->user_ = arrival.user;
  client->since_ = clock_.now();
  client->connected_.store(true, std::memory_order_relaxed);
  out.client = client;
  Client& settled = *client;
  admit(std::move(out));
  if (settled.connection_ && settled.session_) write_session(settled);
}

Session& Broker::session_of(Client& client) {
  if (!client.session_) {
    client.session_ = std::make_unique<Session>(&Broker::on_expiry, &Broker::on_will, client);
    client.durable_.store(true, std::memory_order_release);
    counters_.sessions.fetch_add(1, std::memory_order_relaxed);
  }
  return *client.session_;
}

void Broker::closed(Client& client, MqttConnection& connection, wire::mqtt::MessagePtr will, std::uint32_t will_delay) {
  if (client.connection_ != &connection) return;
  client.connected_.store(false, std::memory_order_relaxed);
  client.fresh_.reset();
  auto state = connection.release_session();
  const std::uint32_t expiry = std::min(connection.session_expiry(), options().max_session_expiry);
  client.connection_ = nullptr;
  if (expiry > 0) session_of(client).expiry_seconds = expiry;  // DISCONNECT may have changed it
  client.since_ = clock_.now();
  if (client.session_) {
    Session& session = *client.session_;
    session.expiry_seconds = expiry;
    session.disconnected_at = client.since_;
    session.state = state ? std::move(state) : std::make_unique<SessionState>();
  } else if (state) {
    for (const auto& each : state->subscriptions) unsubscribe(client, each.filter);
  }
  if (will && will_delay > 0 && expiry > 0) {
    client.session_->will = std::move(will);
    client.thread().timers().set(client.session_->will_delay, milliseconds(std::min(will_delay, expiry)));
  } else if (will) {
    publish_now(client, will);
  }
  if (!client.is_claimed_) leave(client);
}

// A client without a connection: its session waits for it, or it is forgotten.
void Broker::leave(Client& client) {
  if (client.session_ && client.session_->expiry_seconds > 0) {
    Session& session = *client.session_;
    if (session.disconnected_at == 0) session.disconnected_at = clock_.now();
    if (!session.state) session.state = std::make_unique<SessionState>();
    if (session.expiry_seconds != kNeverExpires) {
      const Millis left = session.disconnected_at + milliseconds(session.expiry_seconds) - clock_.now();
      client.thread().timers().set(session.expiry, std::max<Millis>(left, 0));
    }
    return write_session(client);
  }
  end_session(client);
  forget_client(client);
}

void Broker::forget_client(Client& client) {
  if (client.is_gone_) return;
  client.is_gone_ = true;
  // Its id is free once its records are gone from the store: what the next one writes comes behind that.
  client.thread().after_commit([self = shared_from_this(), last = client.shared_from_this()](bool) {
    Shard& shard = self->shard_of(last->id);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.clients.find(last->id); at != shard.clients.end() && at->second == last) {
      shard.clients.erase(at);
      self->counters_.clients.fetch_sub(1, std::memory_order_relaxed);
    }
  });
}

void Broker::end_session(Client& client) {
  if (!client.session_) return;
  publish_will(client);
  const auto session = std::move(client.session_);
  client.durable_.store(false, std::memory_order_release);
  counters_.sessions.fetch_sub(1, std::memory_order_relaxed);
  device::TurnLog& log = log_of(client.thread());
  if (session->state) {
    for (const auto& each : session->state->subscriptions) unsubscribe(client, each.filter);
    for (const std::uint16_t packet_id : session->state->inbound_qos2) {
      records::key(log.key_buffer, network_id_, records::Kind::inbound, client.id, packet_id);
      log.erase(Family::sessions, log.key_buffer);
    }
  }
  for (const auto& [tag, message] : session->stored) erase_record(client, *message, log);
  records::key(log.key_buffer, network_id_, records::Kind::session, client.id);
  log.erase(Family::sessions, log.key_buffer);
}

void Broker::publish_will(Client& client) {
  if (!client.session_ || !client.session_->will) return;
  client.session_->will_delay.cancel();
  publish_now(client, std::exchange(client.session_->will, nullptr));
}

void Broker::publish_now(Client& client, const wire::mqtt::MessagePtr& will) {
  auto message = std::make_shared<StoredMessage>();
  static_cast<wire::mqtt::Message&>(*message) = *will;
  (void)publish(message, &client, client.thread());
}

void Broker::on_will(void* client) {
  auto& self = *static_cast<Client*>(client);
  self.broker_->publish_will(self);
}

void Broker::on_expiry(void* client) {
  auto& self = *static_cast<Client*>(client);
  const auto alive = self.shared_from_this();
  self.broker_->end_session(self);
  self.broker_->forget_client(self);
}

// ---- subscriptions

void Broker::subscribe(Client& client, std::string_view filter, const wire::mqtt::SubscribeOptions& options,
                       bool is_new) {
  Subscriber subscriber{client.shared_from_this(), options.subscription_id, options.qos, options.no_local,
                        options.retain_as_published};
  subscriptions_->add(filter, subscriber);
  if (is_new && !client.user_.empty()) listeners_.fetch_add(1, std::memory_order_relaxed);
  const bool wants_retained = options.retain_handling == 0 || (options.retain_handling == 1 && is_new);
  // No retained messages for shared subscriptions (MQTT 5 §4.8.2).
  if (!wants_retained || wire::mqtt::split_shared(filter)) return;
  if (!client.fresh_) client.fresh_ = std::make_unique<RetainedRun>();
  client.fresh_->want({std::string(filter), options});
}

void Broker::unsubscribe(Client& client, std::string_view filter) {
  subscriptions_->remove(filter, client.shared_from_this());
  if (!client.user_.empty()) listeners_.fetch_sub(1, std::memory_order_relaxed);
  if (client.fresh_) client.fresh_->forget(filter);
}

void Broker::subscribed(Client& client) {
  remember(client);
  send_retained(client);
}

void Broker::remember(Client& client) {
  if (client.session_) write_session(client);
}

void Broker::write_session(Client& client) {
  const Session& session = *client.session_;
  records::SessionRecord record{session.expiry_seconds, session.disconnected_at, client.user_, {}};
  const SessionState* state = client.connection_ ? client.connection_->session() : session.state.get();
  if (state) record.subscriptions = state->subscriptions;
  device::TurnLog& log = log_of(client.thread());
  records::key(log.key_buffer, network_id_, records::Kind::session, client.id);
  log.put(Family::sessions, log.key_buffer, records::encode(record));
}

}  // namespace jl::broker
