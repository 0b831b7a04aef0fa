// What administrators ask of a broker: who is there, who has to go, and what passes by.
#include "daemon/broker/broker.hpp"

#include <algorithm>

namespace jl::broker {

namespace {

/// Collects what the threads answer; the last one hands it on.
struct Listing {
  std::mutex mutex;
  std::vector<ClientInfo> clients;
  std::size_t waiting = 0;
  std::function<void(std::vector<ClientInfo>)> done;
};

}  // namespace

void Broker::list(std::function<void(std::vector<ClientInfo>)> done, const std::string& only) {
  std::vector<std::shared_ptr<Client>> all;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, client] : shard.clients) {
      if (only.empty() || id == only) all.push_back(client);
    }
  }
  auto listing = std::make_shared<Listing>();
  listing->waiting = threads_.size();
  listing->done = std::move(done);
  const auto shared = std::make_shared<const std::vector<std::shared_ptr<Client>>>(std::move(all));
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    threads_.at(i).post([self = shared_from_this(), listing, shared, &thread = threads_.at(i)] {
      std::vector<ClientInfo> own;
      for (const auto& client : *shared) {
        if (&client->thread() == &thread && !client->is_gone_) own.push_back(self->info_of(*client));
      }
      const std::lock_guard lock(listing->mutex);
      std::ranges::move(own, std::back_inserter(listing->clients));
      if (--listing->waiting > 0) return;
      std::ranges::sort(listing->clients, {}, &ClientInfo::id);
      listing->done(std::move(listing->clients));
    });
  }
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
  if (!client) return done(false);
  client->thread().post([self = shared_from_this(), client, forget, done = std::move(done)] {
    if (!client->thread().is_current()) return self->kick(client->id, forget, done);
    const bool was_there = !client->is_gone_;
    if (client->connection_) {
      client->connection_->close(wire::mqtt::CloseCause::administrative, wire::mqtt::ReasonCode::administrative_action);
    }
    if (forget && !client->is_gone_ && !client->connection_) {
      self->end_session(*client);
      self->forget_client(*client);
    }
    done(was_there);
  });
}

void Broker::close_user(const std::string& user, bool forget) {
  std::vector<std::string> ids;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, client] : shard.clients) ids.emplace_back(id);
  }
  // Whose a client is, only its own thread knows.
  const auto shared = std::make_shared<const std::vector<std::string>>(std::move(ids));
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    threads_.at(i).post([self = shared_from_this(), shared, user, forget, &thread = threads_.at(i)] {
      for (const std::string& id : *shared) {
        std::shared_ptr<Client> client;
        {
          Shard& shard = self->shard_of(id);
          const std::lock_guard lock(shard.mutex);
          if (const auto at = shard.clients.find(id); at != shard.clients.end()) client = at->second;
        }
        if (client && &client->thread() == &thread && client->user_ == user) self->kick(id, forget, [](bool) {});
      }
    });
  }
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
