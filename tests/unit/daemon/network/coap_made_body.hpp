#pragma once
// A body of any size that is nowhere.
#include "daemon/network/coap_body.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

namespace jl::network::test {

/// The byte at an offset; blocks differ from each other.
inline char byte_at(std::uint64_t offset) { return static_cast<char>((offset * 2654435761u) >> 13u); }

inline std::string bytes_of(std::uint64_t offset, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = byte_at(offset + i);
  return out;
}

/// Counts what is read of it.
class MadeBody final : public CoapBody {
 public:
  explicit MadeBody(std::uint64_t size, std::string etag = "v1") : size_(size), etag_(std::move(etag)) {}
  std::uint64_t size() const override { return size_; }
  std::string_view etag() const override { return etag_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
    CHECK(into.size() >= 1);
    CHECK(into.size() <= 1024);
    CHECK(offset + into.size() <= size_);
    if (fails) return Error{Errc::storage, "no disk"};
    const std::size_t got = into.size() - std::min(into.size(), lacks);
    const std::string bytes = bytes_of(offset, got);
    std::copy(bytes.begin(), bytes.end(), into.begin());
    ++reads;
    sent += got;
    return got;
  }
  bool fails = false;
  std::size_t lacks = 0;  ///< bytes of each read
  mutable std::atomic<int> reads{0};
  mutable std::atomic<std::uint64_t> sent{0};

 private:
  const std::uint64_t size_;
  const std::string etag_;
};

}  // namespace jl::network::test
