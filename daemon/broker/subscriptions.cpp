#include "daemon/broker/subscriptions.hpp"

#include "daemon/wire/mqtt/packet.hpp"

#include <algorithm>

namespace jl::broker {

Subscriptions::Subscriptions(network::IoThreads& threads) : threads_(threads) {
  for (std::size_t i = 0; i < threads.size(); ++i) replicas_.push_back(std::make_unique<Replica>());
}

void Subscriptions::add(std::string_view filter, const Subscriber& subscriber) { append(filter, true, subscriber); }

void Subscriptions::remove(std::string_view filter, const std::shared_ptr<Client>& client) {
  Subscriber gone;
  gone.client = client;
  append(filter, false, gone);
}

void Subscriptions::append(std::string_view filter, bool is_addition, const Subscriber& subscriber) {
  auto change = std::make_shared<Change>();
  change->is_addition = is_addition;
  change->subscriber = subscriber;
  if (const auto shared = wire::mqtt::split_shared(filter)) {
    change->group = shared->group;
    change->filter = shared->filter;
  } else {
    change->filter = filter;
  }
  std::size_t behind = 0;
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
    behind = changes_.size();
    end_.fetch_add(1, std::memory_order_release);
  }
  if (behind % kMaxBehind != 0) return;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    threads_.at(i).post([self = shared_from_this(), i] { self->catch_up(i); });
  }
}

SubscriptionTree& Subscriptions::tree(const network::IoThread& thread) {
  Replica& replica = *replicas_[thread.index()];
  if (replica.position != end_.load(std::memory_order_acquire)) catch_up(thread.index());
  return replica.tree;
}

void Subscriptions::catch_up(std::size_t index) {
  Replica& own = *replicas_[index];
  std::vector<std::shared_ptr<const Change>> missing;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t end = end_.load(std::memory_order_relaxed);
    const std::uint64_t begin = end - changes_.size();
    missing.assign(changes_.begin() + static_cast<std::ptrdiff_t>(own.position - begin), changes_.end());
    own.position = end;
    std::uint64_t slowest = end;
    for (const auto& replica : replicas_) slowest = std::min(slowest, replica->position);
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(slowest - begin));
  }
  for (const auto& change : missing) apply(own, *change);
}

void Subscriptions::apply(Replica& replica, const Change& change) {
  if (change.is_addition) {
    replica.tree.add(change.group, change.filter, change.subscriber);
  } else {
    replica.tree.remove(change.group, change.filter, change.subscriber.client.get());
  }
}

}  // namespace jl::broker
