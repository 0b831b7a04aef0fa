#include "daemon/store/seal.hpp"

#include "common/base/assert.hpp"
#include "common/base/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <algorithm>
#include <climits>
#include <memory>
#include <optional>

namespace jl::store {
namespace {
constexpr std::string_view kMark = "sealed1:";
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
// Far above any certificate or key; keeps every length within OpenSSL's int.
constexpr std::size_t kMaxSize = 16u << 20u;

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
int length(std::string_view text) { return static_cast<int>(text.size()); }

std::array<unsigned char, 32> hmac(std::span<const unsigned char> key, std::string_view text) {
  std::array<unsigned char, 32> out{};
  unsigned size = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(text), text.size(), out.data(), &size);
  JL_ASSERT(done != nullptr && size == out.size());
  return out;
}
}  // namespace

Sealer::Sealer(const std::array<unsigned char, 32>& key) : key_(key) {}

Sealer::~Sealer() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string Sealer::seal(std::string_view plain, std::string_view context) const {
  JL_ASSERT(plain.size() <= kMaxSize && context.size() <= kMaxSize);
  std::string raw(kNonceSize + plain.size() + kTagSize, '\0');
  unsigned char* const nonce = bytes(raw);
  unsigned char* const text = nonce + kNonceSize;
  unsigned char* const tag = text + plain.size();
  int size = 0;
  // None of these fails but for want of memory or randomness; a secret must not be stored without them.
  JL_ASSERT(RAND_bytes(nonce, static_cast<int>(kNonceSize)) == 1);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  JL_ASSERT(cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce) == 1);
  JL_ASSERT(EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(context), length(context)) == 1);
  JL_ASSERT(EVP_EncryptUpdate(cipher.get(), text, &size, bytes(plain), length(plain)) == 1);
  JL_ASSERT(EVP_EncryptFinal_ex(cipher.get(), tag, &size) == 1 && size == 0);
  JL_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagSize), tag) == 1);
  return std::string(kMark) + to_base64(raw);
}

Result<Secret> Sealer::unseal(std::string_view sealed, std::string_view context) const {
  const auto broken = [&] {
    return Error(Errc::corrupt,
                 "the sealed secret of \"" + std::string(context) +
                     "\" cannot be opened: it was changed, or sealed under another key",
                 "set the secret again, or restore the key file it was sealed with");
  };
  if (!is_sealed(sealed) || context.size() > kMaxSize) return broken();
  sealed.remove_prefix(kMark.size());
  // Only the one canonical form is taken: otherwise the unused bits of the last digit could be changed unnoticed.
  auto raw = sealed.size() > kMaxSize * 2 ? std::nullopt : from_base64(sealed);
  if (!raw || raw->size() < kNonceSize + kTagSize) return broken();
  const std::size_t text_size = raw->size() - kNonceSize - kTagSize;
  unsigned char* const nonce = bytes(*raw);
  unsigned char* const text = nonce + kNonceSize;
  unsigned char* const tag = text + text_size;
  std::string plain(text_size, '\0');
  int size = 0;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  JL_ASSERT(cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce) == 1);
  const bool opened = EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(context), length(context)) == 1 &&
                      EVP_DecryptUpdate(cipher.get(), bytes(plain), &size, text, static_cast<int>(text_size)) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagSize), tag) == 1 &&
                      EVP_DecryptFinal_ex(cipher.get(), nullptr, &size) == 1;
  if (!opened) {
    OPENSSL_cleanse(plain.data(), plain.size());
    return broken();
  }
  return Secret(std::move(plain));
}

std::string Sealer::derived_key(std::string_view purpose) const {
  const auto key = hmac(key_, std::string("derived key: ").append(purpose));
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::string Sealer::fingerprint(std::string_view plain) const {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  auto key = hmac(key_, "fingerprint");
  const auto hash = hmac(key, plain);
  OPENSSL_cleanse(key.data(), key.size());
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.push_back(kDigits[hash[i] >> 4u]);
    out.push_back(kDigits[hash[i] & 0x0Fu]);
  }
  return out;
}

bool Sealer::is_sealed(std::string_view text) { return text.starts_with(kMark); }

}  // namespace jl::store
