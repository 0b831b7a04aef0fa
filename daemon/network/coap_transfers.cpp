#include "daemon/network/coap_transfers.hpp"

#include <algorithm>
#include <functional>

namespace jl::network {
namespace {

constexpr std::uint8_t kUsual = CoapBlock::kLargest;

/// Names a body by its content.
std::string etag_of(std::string_view body) {
  std::uint64_t hash = std::hash<std::string_view>{}(body);
  std::string etag;
  for (; etag.size() < sizeof hash; hash >>= 8u) etag.push_back(static_cast<char>(hash & 0xFFu));
  return etag;
}

/// Puts one block of a body into a reply.
void cut(CoapReply& reply, std::string_view body, int code, int content_format, const std::string& etag,
         const CoapBlock& wanted) {
  if (wanted.number > 0 && wanted.offset() >= body.size()) {
    reply.code = 400;
    return;
  }
  reply.code = code;
  reply.content_format = content_format;
  reply.etag = etag;
  const std::string_view rest = body.substr(wanted.offset());
  reply.block2 = CoapBlock{wanted.number, rest.size() > wanted.size(), wanted.exponent};
  reply.payload = rest.substr(0, wanted.size());
}

}  // namespace

CoapTransfers::Step CoapTransfers::take(Peer peer, std::uint64_t key, const CoapMessage& message, std::size_t most,
                                        Millis now) {
  const CoapBlock block = message.block1.value_or(CoapBlock{});
  const std::string_view payload = message.payload;
  // RFC 7959 §2.2: all but the last are exactly as long as they say.
  if (block.more ? payload.size() != block.size() : payload.size() > block.size()) return {.code = 400, .body = {}};
  auto upload = find(peer, key, true);
  if (block.number == 0 && upload != transfers_.end()) {
    drop(upload);
    upload = transfers_.end();
  }
  const bool is_too_long = message.size1.value_or(0) > most || block.offset() + payload.size() > most;
  if (is_too_long) {
    if (upload != transfers_.end()) drop(upload);
    return {.code = 413, .body = {}};
  }
  if (block.number == 0) {
    if (!block.more) return {.code = 0, .body = std::string(payload)};
    upload = open(peer, key, true, now);
  }
  if (upload == transfers_.end() || block.offset() > upload->bytes.size()) return {.code = 408, .body = {}};
  count(*upload, false);
  // A block that was here already: its answer was lost, and it came in a new message.
  upload->bytes.resize(block.offset());
  upload->bytes.append(payload);
  count(*upload, true);
  if (!block.more) {
    Step last{.code = 0, .body = std::move(upload->bytes)};
    upload->bytes.clear();
    bytes_ -= last.body.size();
    drop(upload);
    return last;
  }
  touch(upload, now);
  keep_to_budget();
  return {.code = 231, .body = {}};
}

void CoapTransfers::put(Peer peer, std::uint64_t key, CoapReply& reply, std::string body,
                        const std::optional<CoapBlock>& wanted, Millis now) {
  const CoapBlock block = wanted.value_or(CoapBlock{0, false, kUsual});
  if (block.number == 0 && body.size() <= block.size()) {
    reply.payload = std::move(body);
    if (wanted) reply.block2 = CoapBlock{0, false, block.exponent};
    return;
  }
  const std::string etag = etag_of(body);
  cut(reply, body, reply.code, reply.content_format, etag, block);
  if (!reply.block2 || !reply.block2->more) return;
  if (const auto old = find(peer, key, false); old != transfers_.end()) drop(old);
  const auto kept = open(peer, key, false, now);
  count(*kept, false);
  kept->bytes = std::move(body);
  kept->code = reply.code;
  kept->content_format = reply.content_format;
  kept->etag = etag;
  count(*kept, true);
  keep_to_budget();
}

bool CoapTransfers::get(Peer peer, std::uint64_t key, CoapReply& reply, const CoapBlock& wanted, Millis now) {
  const auto kept = find(peer, key, false);
  if (kept == transfers_.end()) return false;
  touch(kept, now);
  cut(reply, kept->bytes, kept->code, kept->content_format, kept->etag, wanted);
  return true;
}

void CoapTransfers::forget(Peer peer) {
  const auto found = of_peer_.find(peer);
  if (found == of_peer_.end()) return;
  const auto all = found->second;
  for (const auto transfer : all) drop(transfer);
}

void CoapTransfers::forget(Peer peer, std::uint64_t key) {
  if (const auto kept = find(peer, key, false); kept != transfers_.end()) drop(kept);
}

void CoapTransfers::expire(Millis now) {
  while (!transfers_.empty() && now - transfers_.front().used >= kLifetime) drop(transfers_.begin());
}

CoapTransfers::List::iterator CoapTransfers::find(Peer peer, std::uint64_t key, bool is_upload) {
  const auto found = of_peer_.find(peer);
  if (found == of_peer_.end()) return transfers_.end();
  for (const auto transfer : found->second) {
    if (transfer->key == key && transfer->is_upload == is_upload) return transfer;
  }
  return transfers_.end();
}

CoapTransfers::List::iterator CoapTransfers::open(Peer peer, std::uint64_t key, bool is_upload, Millis now) {
  if (const auto found = of_peer_.find(peer); found != of_peer_.end() && found->second.size() >= kMostOfPeer) {
    drop(found->second.front());
  }
  const auto made = transfers_.insert(transfers_.end(), Transfer{peer, key, is_upload, now});
  of_peer_[peer].push_back(made);
  count(*made, true);
  return made;
}

void CoapTransfers::touch(List::iterator transfer, Millis now) {
  transfer->used = now;
  transfers_.splice(transfers_.end(), transfers_, transfer);
  auto& mine = of_peer_[transfer->peer];
  std::rotate(std::find(mine.begin(), mine.end(), transfer), std::find(mine.begin(), mine.end(), transfer) + 1,
              mine.end());
}

void CoapTransfers::count(const Transfer& transfer, bool in) {
  const std::size_t size = kOverhead + transfer.bytes.size();
  bytes_ = in ? bytes_ + size : bytes_ - size;
}

void CoapTransfers::drop(List::iterator transfer) {
  count(*transfer, false);
  const auto found = of_peer_.find(transfer->peer);
  std::erase(found->second, transfer);
  if (found->second.empty()) of_peer_.erase(found);
  transfers_.erase(transfer);
}

void CoapTransfers::keep_to_budget() {
  while (bytes_ > budget_ && transfers_.size() > 1) drop(transfers_.begin());
}

}  // namespace jl::network
