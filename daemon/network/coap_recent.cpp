#include "daemon/network/coap_recent.hpp"

namespace jl::network {
namespace {

std::size_t payload_of(const CoapRecent::Entry& entry) { return entry.reply ? entry.reply->payload.size() : 0; }

bool is_plain(const CoapReply& reply) {
  return reply.payload.empty() && reply.etag.empty() && !reply.observe && !reply.max_age && !reply.size1 &&
         !reply.block1 && !reply.block2;
}

}  // namespace

CoapRecent::Entry* CoapRecent::find(std::uint16_t id, std::uint64_t fingerprint, Millis now) {
  for (Entry& entry : entries_) {
    if (entry.state != State::forgotten && entry.id == id && entry.fingerprint == fingerprint &&
        now - entry.at < kLifetime)
      return &entry;
  }
  return nullptr;
}

void CoapRecent::add(std::uint16_t id, std::uint64_t fingerprint, Millis now) {
  if (entries_.size() < kMost) {
    entries_.emplace_back();
    next_ = entries_.size() - 1;
  }
  Entry& entry = entries_[next_];
  payload_ -= payload_of(entry);
  entry = Entry{.fingerprint = fingerprint, .at = now, .id = id};
  next_ = (next_ + 1) % kMost;
}

void CoapRecent::forget(std::uint16_t id, std::uint64_t fingerprint, Millis now) {
  // It has no answer yet, so its payload counts nothing.
  if (Entry* entry = find(id, fingerprint, now); entry != nullptr && entry->state == State::open) {
    entry->state = State::forgotten;
  }
}

void CoapRecent::answered(std::uint16_t id, std::uint64_t fingerprint, const CoapReply& reply, Millis now) {
  Entry* entry = find(id, fingerprint, now);
  if (entry == nullptr) return;
  if (reply.kind != CoapReply::Kind::acknowledgement) {
    // A confirmable request was acknowledged before, and is again when it is repeated.
    if (entry->state == State::open) entry->state = State::silent;
    return;
  }
  entry->state = reply.code == 0 ? State::acknowledged : State::answered;
  entry->code = static_cast<std::uint16_t>(reply.code);
  if (is_plain(reply)) return;
  entry->reply = std::make_unique<CoapReply>(reply);
  payload_ += payload_of(*entry);
  limit_payload(*entry);
}

void CoapRecent::limit_payload(const Entry& newest) {
  for (std::size_t i = 0; i < entries_.size() && payload_ > kMostPayload; ++i) {
    Entry& entry = entries_[(next_ + i) % entries_.size()];  // from the oldest on
    if (&entry == &newest || payload_of(entry) == 0) continue;
    payload_ -= payload_of(entry);
    entry.reply.reset();
    entry.state = State::silent;
  }
}

}  // namespace jl::network
