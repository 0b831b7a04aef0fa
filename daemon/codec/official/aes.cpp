#include "daemon/codec/official/aes.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <limits>
#include <memory>

namespace jl::codec::official {
namespace {
constexpr std::size_t kBlockBytes = 16;
enum Direction : int { kDecrypt = 0, kEncrypt = 1 };  // as EVP_CipherInit_ex2 numbers them

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool run(Direction direction, std::string_view key, std::string_view in, std::string& out) {
  // Fetched once; the context is set up anew for each message and keeps its memory.
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                             EVP_CIPHER_CTX_free);
  if (!context || cipher == nullptr) return false;
  out.resize(in.size() + kBlockBytes);
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  int body = 0, tail = 0;
  const bool ok = EVP_CipherInit_ex2(context.get(), cipher, bytes_of(key), nullptr, direction, nullptr) == 1 &&
                  EVP_CipherUpdate(context.get(), to, &body, bytes_of(in), static_cast<int>(in.size())) == 1 &&
                  EVP_CipherFinal_ex(context.get(), to + body, &tail) == 1;
  out.resize(ok ? static_cast<std::size_t>(body) + static_cast<std::size_t>(tail) : 0);
  return ok;
}

bool cipher(Direction direction, std::string_view key, std::string_view in, std::string& out) {
  constexpr std::size_t kMost = std::numeric_limits<int>::max() - kBlockBytes;
  if (key.size() != kAesKeyBytes || in.size() > kMost) {
    out.clear();
    return false;
  }
  // What a stranger's bytes fail with must not be found by the TLS code of the same thread.
  ERR_set_mark();
  const bool ok = run(direction, key, in, out);
  ERR_pop_to_mark();
  return ok;
}
}  // namespace

bool aes_decrypt(std::string_view key, std::string_view bytes, std::string& plain) {
  if (!bytes.empty() && bytes.size() % kBlockBytes == 0) return cipher(kDecrypt, key, bytes, plain);
  plain.clear();
  return false;
}

bool aes_encrypt(std::string_view key, std::string_view plain, std::string& bytes) {
  return cipher(kEncrypt, key, plain, bytes);
}

}  // namespace jl::codec::official
