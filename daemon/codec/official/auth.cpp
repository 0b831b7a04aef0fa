#include "daemon/codec/official/auth.hpp"

#include "common/base/words.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <array>
#include <charconv>
#include <initializer_list>
#include <memory>
#include <optional>

namespace jl::codec::official {
namespace {
// Beyond any real credential; keeps the hashing of a stranger's CONNECT cheap.
constexpr std::size_t kMaxCredentialBytes = 4096;
constexpr std::size_t kMd5Bytes = 16;

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

// The size of the digest of the parts put together; 0 when OpenSSL offers no such digest.
std::size_t digest(const EVP_MD* kind, std::initializer_list<std::string_view> parts, Digest& out) {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1) return 0;
  for (const std::string_view part : parts) {
    if (EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) return 0;
  }
  unsigned size = 0;
  return EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1 ? size : 0;
}

// Equal in a time that depends on neither text's content nor on where they differ.
bool is_equal_secret(std::string_view a, std::string_view b) {
  // Fetched once: EVP_sha256() would be looked up again for every hash.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest left{}, right{};
  const std::size_t size = digest(sha256, {a}, left);
  return size != 0 && digest(sha256, {b}, right) == size && CRYPTO_memcmp(left.data(), right.data(), size) == 0;
}

struct TimedName {
  std::string_view secure_id;
  Millis time = 0;
};

// "secureId|timestamp", with or without more parts.
std::optional<TimedName> split_username(std::string_view username) {
  const std::size_t bar = username.find('|');
  if (bar == std::string_view::npos) return {};
  TimedName name{username.substr(0, bar), 0};
  std::string_view number = username.substr(bar + 1);
  number = number.substr(0, number.find('|'));
  if (number.starts_with('+') && !number.starts_with("+-")) number.remove_prefix(1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), name.time);
  if (error != std::errc() || end != number.data() + number.size()) return {};
  return name;
}

bool is_within_tolerance(Millis time, Millis now) {
  Millis difference = 0;
  if (__builtin_sub_overflow(now, time, &difference)) return false;
  return difference >= -kClockTolerance && difference <= kClockTolerance;
}

AuthOutcome check_md5(const MqttCredentials& credentials, const TimedName& name, std::string_view secure_id,
                      std::string_view secure_key, Millis now) {
  if (!is_within_tolerance(name.time, now)) return AuthOutcome::clock_skew;
  Digest hash{};
  // The hash covers the whole username, further parts included.
  if (digest(EVP_md5(), {credentials.username, "|", secure_key}, hash) != kMd5Bytes) return AuthOutcome::unsupported;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string wanted;
  for (std::size_t i = 0; i < kMd5Bytes; ++i) {
    wanted += kHex[hash[i] >> 4u];
    wanted += kHex[hash[i] & 0xFu];
  }
  const bool is_id_right = is_equal_secret(name.secure_id, secure_id);
  // The public documents promise case-insensitive hex.
  const bool is_hash_right = is_equal_secret(to_lower(credentials.password), wanted);
  OPENSSL_cleanse(wanted.data(), wanted.size());
  return is_id_right && is_hash_right ? AuthOutcome::ok : AuthOutcome::bad_credentials;
}

AuthOutcome check_plaintext(const MqttCredentials& credentials, std::string_view secure_id,
                            std::string_view secure_key) {
  const bool is_id_right = is_equal_secret(credentials.username, secure_id);
  const bool is_key_right = is_equal_secret(credentials.password, secure_key);
  return is_id_right && is_key_right ? AuthOutcome::ok : AuthOutcome::bad_credentials;
}
}  // namespace

bool is_secret(std::string_view given, std::string_view secret) {
  return !secret.empty() && given.size() <= kMaxCredentialBytes && is_equal_secret(given, secret);
}

AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device, Millis now) {
  const std::string_view secure_id = device.config("secureId"), secure_key = device.config("secureKey");
  const std::string_view mode = device.config("secureType");
  if (secure_id.empty() || secure_key.empty()) return AuthOutcome::not_configured;
  if (credentials.username.size() > kMaxCredentialBytes || credentials.password.size() > kMaxCredentialBytes) {
    return AuthOutcome::bad_format;
  }
  if (mode == "plaintext") return check_plaintext(credentials, secure_id, secure_key);
  const auto name = split_username(credentials.username);
  if (mode == "md5") {
    return name ? check_md5(credentials, *name, secure_id, secure_key, now) : AuthOutcome::bad_format;
  }
  if (!mode.empty() && mode != "auto") return AuthOutcome::unsupported;
  return name ? check_md5(credentials, *name, secure_id, secure_key, now)
              : check_plaintext(credentials, secure_id, secure_key);
}

}  // namespace jl::codec::official
