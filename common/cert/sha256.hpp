#pragma once
// SHA-256 of bytes that come in pieces: what uploaded files are called by.
#include <memory>
#include <string>
#include <string_view>

namespace jl::cert {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  /// In lower-case hex; "" when OpenSSL failed. Once.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jl::cert
