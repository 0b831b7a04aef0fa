// The way of a message to its subscribers.
#include "daemon/base/log.hpp"
#include "daemon/broker/broker.hpp"
#include "daemon/broker/records.hpp"
#include "daemon/wire/mqtt/encode.hpp"
#include "daemon/wire/mqtt/properties.hpp"

#include <algorithm>
#include <utility>

namespace jl::broker {

using network::IoThread;
using store::Family;
using wire::mqtt::Delivery;
using wire::mqtt::MessagePtr;
using wire::mqtt::ReasonCode;
using wire::mqtt::SendResult;

namespace {

// Reused by each thread. A message may bring about another one (a will, when a slow subscriber is closed), so whoever
// works with it takes it away meanwhile.
std::vector<const Subscriber*>& scratch() {
  thread_local std::vector<const Subscriber*> found;
  return found;
}

void append_subscription_id(std::string& out, std::uint32_t id) {
  if (id == 0) return;
  out.push_back(static_cast<char>(wire::mqtt::PropertyId::subscription_id));
  wire::mqtt::append_varint(out, id);
}

}  // namespace

ReasonCode Broker::publish(const std::shared_ptr<StoredMessage>& message, const Client* from, IoThread& here) {
  counters_.published.fetch_add(1, std::memory_order_relaxed);
  if (message->retain && !retained_.set(message, log_of(here))) {
    counters_.retained_refused.fetch_add(1, std::memory_order_relaxed);
    return ReasonCode::quota_exceeded;
  }
  std::vector<const Subscriber*> found = std::exchange(scratch(), {});
  found.clear();
  const std::size_t filters = subscriptions_->tree(here).match(message->topic, found);
  if (!found.empty()) route(message, from, here, found, filters);
  const bool anybody = !found.empty();
  scratch() = std::move(found);
  return anybody ? ReasonCode::success : ReasonCode::no_matching_subscribers;
}

void Broker::route(const std::shared_ptr<StoredMessage>& message, const Client* from, IoThread& here,
                   std::vector<const Subscriber*>& found, std::size_t filters) {
  // MQTT 5 §3.3.4: filters of one client that overlap make one message with the highest QoS and all their identifiers.
  if (filters > 1) {
    std::ranges::stable_sort(found, std::less<>{}, [](const Subscriber* each) { return each->client.get(); });
  }
  struct Receiver {
    const std::shared_ptr<Client>* client;
    Delivery delivery;
  };
  std::vector<Receiver> receivers;
  receivers.reserve(found.size());
  std::uint32_t durable = 0;
  for (std::size_t i = 0; i < found.size();) {
    const std::shared_ptr<Client>& client = found[i]->client;
    Delivery delivery{message, 0, false, 0, {}};
    bool wanted = false;
    do {
      const Subscriber& each = *found[i];
      if (!(each.no_local && client.get() == from)) {  // [MQTT-3.8.3-3]
        wanted = true;
        delivery.qos = std::max(delivery.qos, std::min(each.qos, message->qos));
        delivery.retain |= each.retain_as_published && message->retain;
        append_subscription_id(delivery.subscription_ids, each.subscription_id);
      }
      ++i;
    } while (i < found.size() && found[i]->client == client);
    if (!wanted) continue;
    if (delivery.qos > 0 && client->is_durable()) {
      if (durable++ == 0) message->number = next_number_.fetch_add(1, std::memory_order_relaxed);
      delivery.tag = message->number;
    }
    receivers.push_back({&client, std::move(delivery)});
  }
  if (durable > 0) {
    device::TurnLog& log = log_of(here);
    message->is_shared = durable > 1;
    message->records.store(durable, std::memory_order_relaxed);
    if (message->is_shared) {
      records::key(log.key_buffer, network_id_, records::Kind::body, message->number);
      log.put(Family::sessions, log.key_buffer, records::encode(*message));
    }
    for (const Receiver& each : receivers) {
      if (each.delivery.tag != 0) store(*message, **each.client, each.delivery, log);
    }
  }
  std::vector<std::vector<Outgoing>> elsewhere;
  std::vector<Outgoing> here_too;
  for (Receiver& each : receivers) {
    IoThread& thread = (*each.client)->thread();
    if (&thread == &here && !(*each.client)->is_moving_) {
      here_too.push_back({*each.client, std::move(each.delivery)});
    } else {
      if (elsewhere.empty()) elsewhere.resize(threads_.size());
      elsewhere[thread.index()].push_back({*each.client, std::move(each.delivery)});
    }
  }
  for (std::size_t i = 0; i < elsewhere.size(); ++i) {
    if (elsewhere[i].empty()) continue;
    if (durable == 0) {
      hand_over(i, std::move(elsewhere[i]));
      continue;
    }
    // What is written now must be in the store before another thread may erase it again.
    here.after_commit([self = shared_from_this(), i, batch = std::move(elsewhere[i])](bool committed) mutable {
      if (committed) self->hand_over(i, std::move(batch));
    });
  }
  // Last, because a receiver that is closed for being slow changes subscriptions.
  for (Outgoing& each : here_too) deliver(*each.client, std::move(each.delivery));
}

void Broker::hand_over(std::size_t thread, std::vector<Outgoing> batch) {
  threads_.at(thread).post([self = shared_from_this(), batch = std::move(batch)]() mutable {
    for (Outgoing& each : batch) self->deliver(*each.client, std::move(each.delivery));
  });
}

void Broker::store(const StoredMessage& message, const Client& client, const Delivery& delivery, device::TurnLog& log) {
  records::key(log.key_buffer, network_id_, records::Kind::queued, client.id, message.number);
  log.put(Family::sessions, log.key_buffer, records::encode_queued(delivery, message.is_shared ? nullptr : &message));
}

void Broker::deliver(Client& client, Delivery delivery) {
  IoThread& owner = client.thread();
  if (!owner.is_current()) {  // it moved on meanwhile
    std::vector<Outgoing> batch;
    batch.push_back({client.shared_from_this(), std::move(delivery)});
    return hand_over(owner.index(), std::move(batch));
  }
  if (client.tap_) return (*client.tap_)(*delivery.message, delivery.retain);
  if (client.is_gone_ && client.id.empty()) return;  // a tap that was given up
  const std::uint64_t tag = delivery.tag;
  if (tag != 0) {
    auto stored = std::static_pointer_cast<const StoredMessage>(delivery.message);
    if (!client.session_) {  // its session ended on the way
      counters_.dropped.fetch_add(1, std::memory_order_relaxed);
      return erase_record(client, *stored, log_of(owner));
    }
    client.session_->stored.emplace(tag, std::move(stored));
  }
  (void)offer(client, std::move(delivery));
}

SendResult Broker::offer(Client& client, Delivery delivery) {
  const std::uint64_t tag = delivery.tag;
  SendResult result = SendResult::closed;
  if (client.connection_) {
    result = client.connection_->publish(delivery);
  }
  // Without a connection, or with one that was just closed for being slow.
  if (result == SendResult::closed && !client.connection_ && client.session_ && client.session_->state &&
      delivery.qos > 0) {
    result = client.session_->state->enqueue(std::move(delivery), max_queued_.load(std::memory_order_relaxed));
  }
  if (result == SendResult::sent || result == SendResult::queued) {
    counters_.delivered.fetch_add(1, std::memory_order_relaxed);
    return result;
  }
  counters_.dropped.fetch_add(1, std::memory_order_relaxed);
  if (result == SendResult::queue_full) {
    static log::RateLimit limit;
    std::uint64_t held = 0;
    if (limit.allow(clock_.steady(), held)) {
      log::warn("broker", "queue full, message dropped network={} client=\"{}\" limit={} more={}", network_id_,
                client.id.substr(0, 64), max_queued_.load(std::memory_order_relaxed), held);
    }
  }
  if (tag != 0) finished(client, tag);
  return result;
}

// ---- what becomes of stored messages

void Broker::sent(Client& client, std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) {
  using Phase = wire::mqtt::OutboundExchange::Phase;
  if (tag == 0 || !client.session_) return;
  device::TurnLog& log = log_of(client.thread());
  records::key(log.key_buffer, network_id_, records::Kind::in_flight, client.id, tag);
  log.put(Family::sessions, log.key_buffer,
          records::encode(records::InFlightRecord{packet_id, qos == 2 ? Phase::await_pubrec : Phase::await_puback}));
  client.session_->packet_ids[tag] = packet_id;
}

void Broker::received(Client& client, std::uint64_t tag) {
  using Phase = wire::mqtt::OutboundExchange::Phase;
  if (tag == 0 || !client.session_) return;
  const auto at = client.session_->packet_ids.find(tag);
  if (at == client.session_->packet_ids.end()) return;
  device::TurnLog& log = log_of(client.thread());
  records::key(log.key_buffer, network_id_, records::Kind::in_flight, client.id, tag);
  log.put(Family::sessions, log.key_buffer, records::encode(records::InFlightRecord{at->second, Phase::await_pubcomp}));
}

void Broker::finished(Client& client, std::uint64_t tag) {
  if (tag == 0) return;
  if (client.session_) {
    if (const auto at = client.session_->stored.find(tag); at != client.session_->stored.end()) {
      const StoredPtr message = std::move(at->second);
      client.session_->stored.erase(at);
      client.session_->packet_ids.erase(tag);
      erase_record(client, *message, log_of(client.thread()));
    }
  }
  if (client.fresh_ && std::erase(client.fresh_->unfinished, tag) > 0) send_retained(client);
}

void Broker::erase_record(const Client& client, const StoredMessage& message, device::TurnLog& log) {
  records::key(log.key_buffer, network_id_, records::Kind::queued, client.id, message.number);
  log.erase(Family::sessions, log.key_buffer);
  records::key(log.key_buffer, network_id_, records::Kind::in_flight, client.id, message.number);
  log.erase(Family::sessions, log.key_buffer);
  if (message.records.fetch_sub(1, std::memory_order_acq_rel) != 1 || !message.is_shared) return;
  records::key(log.key_buffer, network_id_, records::Kind::body, message.number);
  log.erase(Family::sessions, log.key_buffer);
}

void Broker::inbound(Client& client, std::uint16_t packet_id, bool held) {
  if (!client.session_) return;
  device::TurnLog& log = log_of(client.thread());
  records::key(log.key_buffer, network_id_, records::Kind::inbound, client.id, packet_id);
  if (held) {
    log.put(Family::sessions, log.key_buffer, {});
  } else {
    log.erase(Family::sessions, log.key_buffer);
  }
}

// ---- retained messages for new subscriptions, no faster than the client takes them

void RetainedRun::want(wire::mqtt::Subscription subscription) {
  const auto at = std::ranges::find(wanted, subscription.filter, &wire::mqtt::Subscription::filter);
  if (at == wanted.end()) {
    wanted.push_back(std::move(subscription));
  } else {
    *at = std::move(subscription);
  }
}

void RetainedRun::forget(std::string_view filter) {
  std::erase_if(wanted, [&](const auto& each) { return each.filter == filter; });
  if (current.filter == filter) messages.clear();
}

void Broker::drained(Client& client) {
  if (client.fresh_) send_retained(client);
}

void Broker::send_retained(Client& client) {
  // A message that is dropped at once is finished while this runs.
  if (!client.fresh_ || std::exchange(client.fresh_->is_sending, true)) return;
  while (client.fresh_ && send_one_retained(client)) continue;
  if (client.fresh_) client.fresh_->is_sending = false;
}

// False when there is none, or the client takes no more for now.
bool Broker::send_one_retained(Client& client) {
  RetainedRun& run = *client.fresh_;
  if (!client.connection_ && !client.tap_) return false;
  if (run.next >= run.messages.size()) {
    if (run.wanted.empty()) {
      if (run.unfinished.empty()) client.fresh_.reset();
      return false;
    }
    run.current = std::move(run.wanted.front());
    run.wanted.erase(run.wanted.begin());
    run.messages = retained_.match(run.current.filter, clock_.now());
    run.next = 0;
    return true;
  }
  if (run.unfinished.size() >= RetainedRun::kWindow) return false;
  if (client.connection_ && !client.connection_->has_room()) {
    client.connection_->call_when_drained();
    return false;
  }
  const MessagePtr kept = run.messages[run.next++];
  // [MQTT-3.3.1-8]: with the retain flag, because the subscription is new.
  Delivery delivery{kept, std::min(kept->qos, run.current.options.qos), true, 0, {}};
  append_subscription_id(delivery.subscription_ids, run.current.options.subscription_id);
  if (client.tap_) return (*client.tap_)(*kept, true), true;
  if (delivery.qos > 0) {
    const std::uint64_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
    delivery.tag = number;
    if (client.session_) {
      auto stored = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*stored) = *kept;
      stored->number = number;
      stored->records.store(1, std::memory_order_relaxed);
      store(*stored, client, delivery, log_of(client.thread()));
      client.session_->stored.emplace(number, stored);
      delivery.message = std::move(stored);
    }
    run.unfinished.push_back(number);
  }
  (void)offer(client, std::move(delivery));
  return true;
}

}  // namespace jl::broker
