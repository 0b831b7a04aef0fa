#include "daemon/broker/retained.hpp"

#include "daemon/broker/records.hpp"

namespace jl::broker {

using wire::mqtt::MessagePtr;

void Retained::set_limits(Limits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

bool Retained::set(const MessagePtr& message, device::TurnLog& log) {
  const std::lock_guard lock(mutex_);
  const auto at = messages_.find(message->topic);
  if (message->payload.empty()) {
    if (at != messages_.end()) erase(at, log);
    return true;
  }
  const std::size_t size = bytes_of(*message);
  const std::size_t freed = at == messages_.end() ? 0 : bytes_of(*at->second);
  if (at == messages_.end() && messages_.size() >= limits_.messages) return false;
  if (bytes_ - freed + size > limits_.bytes) return false;
  bytes_ = bytes_ - freed + size;
  if (at == messages_.end()) {
    messages_.emplace(message->topic, message);
  } else {
    at->second = message;
  }
  records::key(log.key_buffer, network_id_, records::Kind::retained, message->topic);
  log.put(store::Family::sessions, log.key_buffer, records::encode(*message));
  return true;
}

std::vector<MessagePtr> Retained::match(std::string_view filter, Millis now) const {
  std::vector<MessagePtr> out;
  const auto take = [&](const MessagePtr& message) {
    if (message->expires_at == 0 || message->expires_at > now) out.push_back(message);
  };
  const std::lock_guard lock(mutex_);
  const std::size_t wildcard = filter.find_first_of("+#");
  if (wildcard == std::string_view::npos) {
    if (const auto at = messages_.find(filter); at != messages_.end()) take(at->second);
    return out;
  }
  // Only topics that begin as the filter does before its first wildcard can match; "a/#" also matches "a".
  std::string_view literal = filter.substr(0, wildcard);
  if (literal.ends_with('/') && filter[wildcard] == '#') literal.remove_suffix(1);
  for (auto at = messages_.lower_bound(literal); at != messages_.end() && at->first.starts_with(literal); ++at) {
    if (wire::mqtt::topic_matches(filter, at->first)) take(at->second);
  }
  return out;
}

void Retained::load(wire::mqtt::Message message) {
  const std::lock_guard lock(mutex_);
  auto kept = std::make_shared<const wire::mqtt::Message>(std::move(message));
  bytes_ += bytes_of(*kept);
  messages_.insert_or_assign(kept->topic, std::move(kept));
}

void Retained::forget_expired(Millis now, device::TurnLog& log) {
  const std::lock_guard lock(mutex_);
  for (auto at = messages_.begin(); at != messages_.end();) {
    const auto next = std::next(at);
    if (at->second->expires_at != 0 && at->second->expires_at <= now) erase(at, log);
    at = next;
  }
}

std::size_t Retained::size() const {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

void Retained::erase(std::map<std::string, MessagePtr, std::less<>>::iterator at, device::TurnLog& log) {
  bytes_ -= bytes_of(*at->second);
  records::key(log.key_buffer, network_id_, records::Kind::retained, at->first);
  log.erase(store::Family::sessions, log.key_buffer);
  messages_.erase(at);
}

}  // namespace jl::broker
