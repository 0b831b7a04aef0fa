#include "common/cert/digest.hpp"

#include "common/base/hex.hpp"
#include "common/cert/openssl.hpp"

#include <array>

namespace jl::cert {

struct Digest::State {
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> context;
  bool is_good = false;
};

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>()) {
  const ErrorScope scope;
  state_->context.reset(EVP_MD_CTX_new());
  const EVP_MD* type = kind == DigestKind::md5 ? EVP_md5() : EVP_sha256();
  state_->is_good = state_->context && EVP_DigestInit_ex(state_->context.get(), type, nullptr) == 1;
}

Digest::~Digest() = default;

void Digest::add(std::string_view bytes) {
  const ErrorScope scope;
  state_->is_good = state_->is_good && EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1;
}

std::string Digest::hex() {
  const ErrorScope scope;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!state_->is_good || EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size) != 1) return {};
  state_->is_good = false;
  return to_hex(text_of(digest.data(), size));
}

}  // namespace jl::cert
