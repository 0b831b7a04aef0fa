#include "daemon/codec/official/sequences.hpp"

#include <algorithm>

namespace jl::codec::official {

std::deque<Sequences::Pending>::iterator Sequences::entry(std::uint16_t sequence) {
  return std::find_if(pending_.begin(), pending_.end(),
                      [sequence](const Pending& pending) { return pending.sequence == sequence; });
}

std::uint16_t Sequences::assign(std::string message_id, Millis sent_at) {
  if (pending_.size() == kMaxPending) pending_.pop_front();
  do {
    last_ = last_ == kLast ? std::uint16_t{1} : static_cast<std::uint16_t>(last_ + 1);
  } while (entry(last_) != pending_.end());
  pending_.push_back({last_, sent_at, std::move(message_id)});
  return last_;
}

std::optional<std::string_view> Sequences::find(std::uint16_t sequence, Millis now) {
  for (Pending& pending : pending_) {
    if (pending.sent_at <= 0) pending.sent_at = now;
  }
  std::erase_if(pending_, [now](const Pending& pending) { return now - pending.sent_at > kLife; });
  const auto found = entry(sequence);
  if (found == pending_.end()) return {};
  return found->message_id;
}

void Sequences::release(std::uint16_t sequence) {
  if (const auto found = entry(sequence); found != pending_.end()) pending_.erase(found);
}

}  // namespace jl::codec::official
