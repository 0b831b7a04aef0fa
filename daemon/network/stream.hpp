#pragma once
// One accepted stream socket, non-blocking, and the only place that reads and writes it: the seam where TLS goes in.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace jl::network {

/// How one attempt to read or write went.
struct IoResult {
  enum class Status : std::uint8_t {
    ok,           ///< `bytes` went through, at least one
    would_block,  ///< nothing now; wait for readiness
    end,          ///< the peer sends no more (reading only)
    failed,       ///< the connection is gone
  };
  Status status = Status::failed;
  std::size_t bytes = 0;
};

class Stream {
 public:
  Stream() = default;
  /// Takes a non-blocking socket over.
  explicit Stream(int fd) : fd_(fd) {}
  ~Stream() { close(); }
  Stream(Stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Stream& operator=(Stream&& other) noexcept {
    if (this != &other) close(), fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] IoResult read_some(std::span<char> buffer) const;
  [[nodiscard]] IoResult write_some(std::string_view bytes) const;
  /// Tells the peer that nothing more comes.
  void shutdown_write() const;
  void close();

 private:
  int fd_ = -1;
};

}  // namespace jl::network
