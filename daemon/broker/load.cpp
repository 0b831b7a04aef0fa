// What the store holds of a component's sessions, read when the component starts.
#include "daemon/base/log.hpp"
#include "daemon/broker/broker.hpp"
#include "daemon/broker/records.hpp"

#include <algorithm>
#include <map>

namespace jl::broker {

using records::Kind;
using store::Family;
using wire::mqtt::Delivery;
using Phase = wire::mqtt::OutboundExchange::Phase;

namespace {

/// Visits the records of one kind; those that cannot be read are reported, erased, and do not stop the rest.
template <class Visit>
Status each_record(const store::Snapshot& snapshot, store::AppendBatch& erasures, const std::string& network_id,
                   Kind kind, Visit&& visit) {
  const std::string from = records::prefix(network_id, kind);
  return snapshot.scan(Family::sessions, from, store::prefix_end(from), false,
                       [&](std::string_view key, std::string_view value, store::Revision) {
                         const auto name = records::name_of(key, network_id, kind);
                         const bool keeps = name && visit(*name, value);
                         if (!keeps) erasures.erase(Family::sessions, key);
                         return true;
                       });
}

}  // namespace

Result<std::shared_ptr<Broker>> Broker::open(const BrokerOptions& options, network::IoThreads& threads,
                                             std::vector<std::unique_ptr<device::TurnLog>>& logs, store::Store& store,
                                             const Clock& clock) {
  auto broker = std::make_shared<Broker>(options, threads, logs, clock);
  JL_CHECK(broker->load(store));
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads.at(i).post([broker, &thread = threads.at(i)] { broker->start_timers(thread); });
  }
  return broker;
}

Status Broker::load(store::Store& store) {
  const auto snapshot = store.snapshot();
  const auto erasures = store.make_batch();
  const Millis now = clock_.now();
  std::map<std::string, std::shared_ptr<Client>, std::less<>> clients;
  const auto client_of = [&](std::string_view id) -> Client* {
    const auto at = clients.find(id);
    return at == clients.end() ? nullptr : at->second.get();
  };

  JL_CHECK(
      each_record(*snapshot, *erasures, network_id_, Kind::session, [&](records::Name name, std::string_view value) {
        auto record = records::decode_session(value);
        if (!record) return false;
        // Connected when the daemon ended: from now on it is not.
        const Millis since = record->disconnected_at == 0 ? now : record->disconnected_at;
        const bool over = record->expiry_seconds == 0 || (record->expiry_seconds != kNeverExpires &&
                                                          since + Millis{1000} * record->expiry_seconds <= now);
        if (over) return false;
        network::IoThread& thread = threads_.at(Hash{}(name.client) % threads_.size());
        auto client = std::make_shared<Client>(std::string(name.client), thread);
        client->broker_ = this;
        client->user_ = record->user;
        client->since_ = since;
        Session& session = session_of(*client);
        session.expiry_seconds = record->expiry_seconds;
        session.disconnected_at = since;
        session.state = std::make_unique<wire::mqtt::SessionState>();
        session.state->subscriptions = std::move(record->subscriptions);
        clients.emplace(client->id, std::move(client));
        return true;
      }));

  std::map<std::uint64_t, std::shared_ptr<StoredMessage>> bodies;
  std::uint64_t last_number = 0;
  JL_CHECK(each_record(*snapshot, *erasures, network_id_, Kind::body, [&](records::Name name, std::string_view value) {
    auto body = records::decode_message(value);
    if (!body) return false;
    auto message = std::make_shared<StoredMessage>();
    static_cast<wire::mqtt::Message&>(*message) = std::move(*body);
    message->number = name.number;
    message->is_shared = true;
    last_number = std::max(last_number, name.number);
    bodies.emplace(name.number, std::move(message));
    return true;
  }));

  std::map<std::pair<std::string, std::uint64_t>, records::InFlightRecord> in_flight;
  JL_CHECK(
      each_record(*snapshot, *erasures, network_id_, Kind::in_flight, [&](records::Name name, std::string_view value) {
        const auto record = records::decode_in_flight(value);
        if (!record || !client_of(name.client)) return false;
        in_flight.emplace(std::pair(std::string(name.client), name.number), *record);
        return true;
      }));

  JL_CHECK(
      each_record(*snapshot, *erasures, network_id_, Kind::queued, [&](records::Name name, std::string_view value) {
        last_number = std::max(last_number, name.number);
        Client* client = client_of(name.client);
        auto record = records::decode_queued(value);
        if (!client || !record) return false;
        std::shared_ptr<StoredMessage> message;
        if (record->body) {
          message = std::make_shared<StoredMessage>();
          static_cast<wire::mqtt::Message&>(*message) = std::move(*record->body);
          message->number = name.number;
        } else if (const auto body = bodies.find(name.number); body != bodies.end()) {
          message = body->second;
        } else {
          return false;
        }
        message->records.fetch_add(1, std::memory_order_relaxed);
        Session& session = *client->session_;
        session.stored.emplace(name.number, message);
        Delivery delivery{message, record->qos, record->retain, name.number, record->subscription_ids};
        const auto sent = in_flight.find({std::string(name.client), name.number});
        if (sent != in_flight.end() &&
            session.state->add_outbound(delivery, sent->second.packet_id, sent->second.phase)) {
          session.packet_ids[name.number] = sent->second.packet_id;
          in_flight.erase(sent);
        } else {
          (void)session.state->enqueue(std::move(delivery), SIZE_MAX);
        }
        return true;
      }));
  // Exchanges without a message, and those that do not fit theirs.
  for (const auto& [name, record] : in_flight) {
    std::string key;
    records::key(key, network_id_, Kind::in_flight, name.first, name.second);
    erasures->erase(Family::sessions, key);
  }
  for (const auto& [number, message] : bodies) {
    if (message->records.load(std::memory_order_relaxed) > 0) continue;
    std::string key;
    records::key(key, network_id_, Kind::body, number);
    erasures->erase(Family::sessions, key);
  }

  JL_CHECK(each_record(*snapshot, *erasures, network_id_, Kind::inbound, [&](records::Name name, std::string_view) {
    Client* client = client_of(name.client);
    if (!client || name.number == 0 || name.number > 65535) return false;
    client->session_->state->add_inbound(static_cast<std::uint16_t>(name.number));
    return true;
  }));
  JL_CHECK(each_record(*snapshot, *erasures, network_id_, Kind::retained, [&](records::Name, std::string_view value) {
    auto message = records::decode_message(value);
    if (!message || (message->expires_at != 0 && message->expires_at <= now)) return false;
    retained_.load(std::move(*message));
    return true;
  }));

  next_number_.store(last_number + 1, std::memory_order_relaxed);
  if (erasures->count() > 0) JL_CHECK(store.append(*erasures));
  for (const auto& [id, client] : clients) {
    for (const auto& each : client->session_->state->subscriptions) {
      auto options = each.options;
      options.retain_handling = 2;
      subscribe(*client, each.filter, options, true);
    }
    Shard& shard = shard_of(client->id);
    const std::lock_guard lock(shard.mutex);
    shard.clients.emplace(client->id, client);
    counters_.clients.fetch_add(1, std::memory_order_relaxed);
  }
  return {};
}

void Broker::start_timers(network::IoThread& thread) {
  const Millis now = clock_.now();
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, client] : shard.clients) {
      if (&client->thread() != &thread || !client->session_ || client->connection_) continue;
      Session& session = *client->session_;
      if (session.expiry_seconds == kNeverExpires) continue;
      const Millis end = session.disconnected_at + Millis{1000} * session.expiry_seconds;
      thread.timers().set(session.expiry, std::max<Millis>(end - now, 0));
    }
  }
}

Status Broker::erase(store::Store& store, std::string_view network_id) {
  const std::string from = records::prefix(network_id);
  return store.erase_range(Family::sessions, from, store::prefix_end(from));
}

}  // namespace jl::broker
