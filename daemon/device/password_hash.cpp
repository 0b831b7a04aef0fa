#include "daemon/device/password_hash.hpp"

#include "common/base/assert.hpp"
#include "common/base/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <array>
#include <cstdint>
#include <optional>

namespace jl::device {
namespace {

constexpr std::string_view kPrefix = "$scrypt$ln=14,r=8,p=1$";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kHashSize = 32;
constexpr std::size_t kSaltText = 24;  // base64
constexpr std::size_t kHashText = 44;
constexpr std::uint64_t kCost = 1u << 14u;
constexpr std::uint64_t kBlock = 8;
constexpr std::uint64_t kMaxMemory = 32u << 20u;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string scrypt(std::string_view plain, std::string_view salt) {
  std::string out(kHashSize, '\0');
  // Fails only for want of memory; a password must not pass, or be stored, without it.
  JL_ASSERT(EVP_PBE_scrypt(plain.data(), plain.size(), bytes(salt), salt.size(), kCost, kBlock, 1, kMaxMemory,
                           bytes(out), out.size()) == 1);
  return out;
}

struct Parts {
  std::string salt, hash;
};
std::optional<Parts> parts_of(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  if (text.size() != kSaltText + 1 + kHashText || text[kSaltText] != '$') return std::nullopt;
  auto salt = from_base64(text.substr(0, kSaltText));
  auto hash = from_base64(text.substr(kSaltText + 1));
  if (!salt || salt->size() != kSaltSize || !hash || hash->size() != kHashSize) return std::nullopt;
  return Parts{std::move(*salt), std::move(*hash)};
}

}  // namespace

std::string hash_password(std::string_view plain) {
  std::string salt(kSaltSize, '\0');
  JL_ASSERT(RAND_bytes(bytes(salt), static_cast<int>(salt.size())) == 1);
  return std::string(kPrefix) + to_base64(salt) + "$" + to_base64(scrypt(plain, salt));
}

bool verify_password(std::string_view hash, std::string_view plain) {
  const auto parts = parts_of(hash);
  if (!parts) return false;
  const std::string mine = scrypt(plain, parts->salt);
  return CRYPTO_memcmp(mine.data(), parts->hash.data(), mine.size()) == 0;
}

bool is_password_hash(std::string_view text) { return parts_of(text).has_value(); }

}  // namespace jl::device
