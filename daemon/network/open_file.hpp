#pragma once
// A regular file that is open for reading, for bodies that are sent from it. Immutable, so threads share it; the
// descriptor is closed with the last owner. Reads wait for the disk: take pieces that are small for it.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace jl::network {

class OpenFile {
 public:
  /// Errors: not_found, denied, invalid (a folder, a socket, ...), failed (no descriptors left, I/O). The message names
  /// the path.
  [[nodiscard]] static Result<std::shared_ptr<const OpenFile>> open(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  ///< bytes, when it was opened
  [[nodiscard]] Millis modified() const { return modified_; }

  /// Fills the buffer from a place in the file; fewer bytes only at its end. Errors: failed.
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) const;

 private:
  OpenFile(int fd, std::uint64_t size, Millis modified) : fd_(fd), size_(size), modified_(modified) {}
  const int fd_;
  const std::uint64_t size_;
  const Millis modified_;
};

}  // namespace jl::network
