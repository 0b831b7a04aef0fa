#pragma once
// Bytes on their way out of one connection. It exists only while there are some: an idle connection holds none, and the
// buffers come from a small pool of the thread. It remembers which of its bytes belong to a commit that has not ended,
// because those must not leave yet.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

class SendBuffer {
 public:
  /// To append to. What is appended until the next call belongs to the commit of this number (IoThread::commit_number).
  [[nodiscard]] std::string& begin(std::uint64_t commit_number) {
    if (commit_number != commit_number_) {
      commit_number_ = commit_number;
      held_from_ = bytes_.size();
    }
    return bytes_;
  }
  /// What may leave in an on_flush(), given the thread's commit_number() there.
  [[nodiscard]] std::string_view sendable(std::uint64_t commit_number) const {
    const std::size_t end = commit_number == commit_number_ ? held_from_ : bytes_.size();
    return std::string_view(bytes_).substr(sent_, end - sent_);
  }
  /// That many of the first unsent bytes are gone.
  void consume(std::size_t bytes) {
    sent_ += bytes;
    if (sent_ < bytes_.size() / 2) return;  // so that each byte is moved at most once on average
    bytes_.erase(0, sent_);
    held_from_ -= sent_ < held_from_ ? sent_ : held_from_;
    sent_ = 0;
  }
  [[nodiscard]] std::size_t unsent() const { return bytes_.size() - sent_; }
  [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }
  void clear() { bytes_.clear(), sent_ = held_from_ = 0, commit_number_ = 0; }

 private:
  std::string bytes_;
  std::size_t sent_ = 0;
  std::size_t held_from_ = 0;  // bytes from here on were written under commit_number_
  std::uint64_t commit_number_ = 0;
};

/// The spare buffers of one thread: at most 256 of at most 4 KiB.
class SendBufferPool {
 public:
  [[nodiscard]] std::unique_ptr<SendBuffer> take() {
    if (free_.empty()) return std::make_unique<SendBuffer>();
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give(std::unique_ptr<SendBuffer> buffer) {
    if (buffer == nullptr || free_.size() >= kMaxFree || buffer->capacity() > kMaxCapacity) return;
    buffer->clear();
    free_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kMaxFree = 256;
  static constexpr std::size_t kMaxCapacity = 4096;
  std::vector<std::unique_ptr<SendBuffer>> free_;
};

}  // namespace jl::network
