#include "daemon/ota/token.hpp"

#include "common/base/assert.hpp"
#include "common/base/base64.hpp"
#include "daemon/store/store.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <algorithm>

namespace jl::ota {

namespace {

constexpr std::size_t kMacSize = 16;  // of SHA-256's 32 bytes (RFC 2104 §5)
constexpr std::size_t kMaxText = 256;
constexpr std::size_t kExpiry = 8, kLength = 1;

// RFC 4648 §5: what stands in a query without being escaped.
std::string to_url_text(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

std::optional<std::string> from_url_text(std::string_view text) {
  std::string padded(text);
  if (padded.find_first_of("+/=") != std::string::npos) return std::nullopt;
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  while (padded.size() % 4 != 0) padded.push_back('=');
  return from_base64(padded);
}

}  // namespace

std::string TokenMint::mac(std::string_view claims, std::string_view firmware_id) const {
  std::string text(claims);
  text.append(1, '\0').append(firmware_id);
  unsigned char out[32];
  unsigned size = 0;
  const auto* done = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  JL_ASSERT(done != nullptr && size == sizeof(out));
  return {reinterpret_cast<const char*>(out), kMacSize};
}

// expiry in seconds (8 bytes), length of the task's id (1 byte), task, device, mac
std::string TokenMint::make(const Token& token, std::string_view firmware_id) const {
  JL_ASSERT(token.task_id.size() <= 64 && token.device_id.size() <= 64);
  std::string claims;
  store::append_u64(claims, static_cast<std::uint64_t>(token.expires / 1000));
  claims.push_back(static_cast<char>(token.task_id.size()));
  claims.append(token.task_id).append(token.device_id);
  return to_url_text(claims + mac(claims, firmware_id));
}

std::optional<Token> TokenMint::read(std::string_view text, std::string_view firmware_id) const {
  if (text.size() > kMaxText) return std::nullopt;
  const auto bytes = from_url_text(text);
  if (!bytes || bytes->size() < kExpiry + kLength + kMacSize) return std::nullopt;
  const std::string_view claims = std::string_view(*bytes).substr(0, bytes->size() - kMacSize);
  const std::string expected = mac(claims, firmware_id);
  if (CRYPTO_memcmp(expected.data(), bytes->data() + claims.size(), kMacSize) != 0) return std::nullopt;
  // Made here, so it has the form that make() gives it.
  Token out;
  out.expires = static_cast<Millis>(store::read_u64(claims.substr(0, kExpiry))) * 1000;
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(claims[kExpiry]));
  const std::string_view ids = claims.substr(kExpiry + kLength);
  out.task_id = std::string(ids.substr(0, std::min(length, ids.size())));
  out.device_id = std::string(ids.substr(std::min(length, ids.size())));
  return out;
}

}  // namespace jl::ota
