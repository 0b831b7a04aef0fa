#include "common/cert/sha256.hpp"

#include "common/cert/openssl.hpp"

#include <fmt/format.h>
#include <array>
#include <iterator>

namespace jl::cert {

struct Sha256::State {
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> context;
  bool is_good = false;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  const ErrorScope scope;
  state_->context.reset(EVP_MD_CTX_new());
  state_->is_good = state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1;
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  const ErrorScope scope;
  state_->is_good = state_->is_good && EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1;
}

std::string Sha256::hex() {
  const ErrorScope scope;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!state_->is_good || EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size) != 1) return {};
  state_->is_good = false;
  std::string out;
  for (unsigned i = 0; i < size; ++i) fmt::format_to(std::back_inserter(out), "{:02x}", digest[i]);
  return out;
}

}  // namespace jl::cert
