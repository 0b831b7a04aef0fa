#pragma once
// Datagrams on their way out of one socket, in order, with the commit that each belongs to: it must not leave before
// that has succeeded, and not at all when it has failed. Bounded: what does not fit is refused.
#include "daemon/network/address.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

class DatagramQueue {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20u;
  static constexpr std::size_t kMaxCount = std::size_t{16} * 1024;

  struct Datagram {
    PeerAddress to;
    std::uint32_t size = 0;
    std::int32_t payload = 0;  ///< bytes of the application in it; -1 = none, it is the protocol's own
    std::uint64_t commit = 0;
  };

  [[nodiscard]] bool has_room(std::size_t bytes) const {
    return count() < kMaxCount && bytes_.size() - sent_bytes_ + bytes <= kMaxBytes;
  }
  /// `commit_number` is that of the thread now (IoThread::commit_number); it never gets smaller. False: no room.
  [[nodiscard]] bool push(std::uint64_t commit_number, const PeerAddress& to, std::string_view bytes,
                          std::int32_t payload) {
    if (!has_room(bytes.size())) return false;
    queue_.push_back({to, static_cast<std::uint32_t>(bytes.size()), payload, commit_number});
    bytes_.append(bytes);
    return true;
  }
  [[nodiscard]] std::size_t count() const { return queue_.size() - sent_; }

  /// Calls `each(datagram, bytes)` for the first ones, at most `most`, that may leave in an on_flush() in which the
  /// thread's commit_number() is this. What they are told is valid until the queue changes.
  template <class Each>
  void for_sendable(std::uint64_t commit_number, std::size_t most, Each each) const {
    std::size_t at = sent_bytes_;
    for (std::size_t i = sent_; i < queue_.size() && i - sent_ < most && queue_[i].commit < commit_number; ++i) {
      each(queue_[i], std::string_view(bytes_).substr(at, queue_[i].size));
      at += queue_[i].size;
    }
  }
  /// The first ones are gone.
  void pop(std::size_t count) {
    for (; count > 0; --count) sent_bytes_ += queue_[sent_++].size;
    if (sent_ == queue_.size()) return clear();
    if (sent_ < queue_.size() / 2) return;  // so that each is moved at most once on average
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent_));
    bytes_.erase(0, sent_bytes_);
    sent_ = sent_bytes_ = 0;
  }
  /// Takes out what belongs to a commit that failed: how many.
  std::size_t drop(std::uint64_t commit_number) {
    std::size_t first = sent_, at = sent_bytes_;
    for (; first < queue_.size() && queue_[first].commit < commit_number; ++first) at += queue_[first].size;
    std::size_t last = first, end = at;
    for (; last < queue_.size() && queue_[last].commit == commit_number; ++last) end += queue_[last].size;
    bytes_.erase(at, end - at);
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(first),
                 queue_.begin() + static_cast<std::ptrdiff_t>(last));
    return last - first;
  }

 private:
  void clear() {
    queue_.clear();
    bytes_.clear();
    sent_ = sent_bytes_ = 0;
    if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();
    if (queue_.capacity() * sizeof(Datagram) > kKeptBytes) queue_.shrink_to_fit();
  }
  static constexpr std::size_t kKeptBytes = std::size_t{64} * 1024;

  std::vector<Datagram> queue_;
  std::string bytes_;  // of all of them, one after the other
  std::size_t sent_ = 0;
  std::size_t sent_bytes_ = 0;
};

}  // namespace jl::network
