#pragma once
// Digests of bytes that come in pieces: SHA-256, which uploaded files are called by, and MD5, which the device protocol
// asks for as well.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::cert {

enum class DigestKind : std::uint8_t { md5, sha256 };

class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void add(std::string_view bytes);
  /// In lower-case hex; "" when OpenSSL failed. Once.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jl::cert
