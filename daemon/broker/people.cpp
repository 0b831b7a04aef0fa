// What administrators ask of a broker: who is there, who has to go, and what passes by.
#include "daemon/broker/broker.hpp"

#include <algorithm>

namespace jl::broker {

namespace {

struct Listing {
  std::mutex mutex;
  std::vector<ClientInfo> clients;
  std::function<void(std::vector<ClientInfo>)> done;
};

}  // namespace

struct Broker::Round {
  std::function<void(Client&)> visit;
  std::function<void()> done;
  std::atomic<std::size_t> waiting{0};
};

void Broker::list(std::function<void(std::vector<ClientInfo>)> done, const std::string& only) {
  auto listing = std::make_shared<Listing>();
  listing->done = std::move(done);
  visit_all(
      [self = shared_from_this(), listing](Client& client) {
        if (client.is_gone_) return;
        ClientInfo info = self->info_of(client);
        const std::lock_guard lock(listing->mutex);
        listing->clients.push_back(std::move(info));
      },
      [listing] {
        std::ranges::sort(listing->clients, {}, &ClientInfo::id);
        listing->done(std::move(listing->clients));
      },
      only);
}

// Goes to each client on the thread that has it; `done` comes on the last one's.
void Broker::visit_all(std::function<void(Client&)> visit, std::function<void()> done, const std::string& only) {
  auto round = std::make_shared<Round>();
  round->visit = std::move(visit);
  round->done = std::move(done);
  std::vector<std::vector<std::shared_ptr<Client>>> by_thread(threads_.size());
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, client] : shard.clients) {
      if (only.empty() || id == only) by_thread[client->thread().index()].push_back(client);
    }
  }
  round->waiting.store(by_thread.size(), std::memory_order_relaxed);
  for (std::size_t i = 0; i < by_thread.size(); ++i) go_round(i, std::move(by_thread[i]), round);
}

void Broker::go_round(std::size_t thread, std::vector<std::shared_ptr<Client>> clients,
                      const std::shared_ptr<Round>& round) {
  threads_.at(thread).post([self = shared_from_this(), clients = std::move(clients), round] {
    for (const auto& client : clients) {
      if (client->thread().is_current()) {
        round->visit(*client);
        continue;
      }
      round->waiting.fetch_add(1, std::memory_order_relaxed);
      self->go_round(client->thread().index(), {client}, round);  // it moved on meanwhile
    }
    if (round->waiting.fetch_sub(1, std::memory_order_acq_rel) == 1) round->done();
  });
}

ClientInfo Broker::info_of(const Client& client) const {
  ClientInfo out;
  out.id = client.id;
  out.user = client.user_;
  out.since = client.since_;
  const wire::mqtt::SessionState* state = nullptr;
  if (client.connection_) {
    out.connected = true;
    out.address = client.connection_->peer();
    out.version = static_cast<int>(client.connection_->version());
    out.keep_alive = client.connection_->keep_alive();
    out.tls_subject = client.connection_->tls_subject();
    state = client.connection_->session();
  }
  if (client.session_) {
    out.session_expiry = client.session_->expiry_seconds;
    if (!state) state = client.session_->state.get();
  }
  if (state) {
    out.subscriptions = state->subscriptions.size();
    out.queued = state->queue.size();
    out.in_flight = state->outbound.size();
    for (const auto& each : state->subscriptions) out.filters.push_back(each.filter);
  }
  return out;
}

void Broker::kick(const std::string& client_id, bool forget, std::function<void(bool)> done) {
  std::shared_ptr<Client> client;
  {
    Shard& shard = shard_of(client_id);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.clients.find(client_id); at != shard.clients.end()) client = at->second;
  }
  if (!client) return threads_.at(0).post([done = std::move(done)] { done(false); });
  client->thread().post([self = shared_from_this(), client, forget, done = std::move(done)] {
    if (!client->thread().is_current()) return self->kick(client->id, forget, done);
    const bool was_there = !client->is_gone_;
    self->close(*client, forget);
    done(was_there);
  });
}

void Broker::close(Client& client, bool forget) {
  if (client.is_gone_) return;
  const auto alive = client.shared_from_this();
  if (client.connection_) {
    client.connection_->close(wire::mqtt::CloseCause::administrative, wire::mqtt::ReasonCode::administrative_action);
  }
  if (!forget || client.is_gone_ || client.connection_) return;
  end_session(client);
  forget_client(client);
}

void Broker::close_user(const std::string& user, bool forget) {
  visit_all(
      [self = shared_from_this(), user, forget](Client& client) {
        if (client.user_ == user) self->close(client, forget);
      },
      [] {});
}

std::shared_ptr<void> Broker::tap(const std::string& filter, Tap tap) {
  network::IoThread& thread = threads_.next();
  auto client = std::make_shared<Client>(std::string(), thread);
  client->broker_ = this;
  client->user_ = "$tap";
  client->tap_ = std::make_unique<Tap>(std::move(tap));
  client->connected_.store(true, std::memory_order_relaxed);
  const wire::mqtt::SubscribeOptions options{.qos = 0, .retain_as_published = true};
  thread.post([self = shared_from_this(), client, filter, options] {
    if (client->is_gone_) return;
    self->subscribe(*client, filter, options, true);
    self->send_retained(*client);
  });
  return {nullptr, [self = shared_from_this(), client, filter](void*) {
            client->thread().post([self, client, filter] {
              client->is_gone_ = true;
              client->tap_.reset();
              self->unsubscribe(*client, filter);
            });
          }};
}

void Broker::tidy() {
  network::IoThread& thread = threads_.at(0);
  thread.post([self = shared_from_this(), &thread] {
    self->retained_.forget_expired(self->clock_.now(), self->log_of(thread));
  });
}

}  // namespace jl::broker
