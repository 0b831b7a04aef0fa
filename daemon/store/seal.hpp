#pragma once
// Sealing of secrets at rest: AES-256-GCM under a key file that only the daemon can read.
// A sealed text is "sealed1:" + base64(nonce | ciphertext | tag), bound to where it is stored by its context.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"

#include <array>
#include <string>
#include <string_view>

namespace jl::store {

class Sealer {
 public:
  /// Reads the key file, or creates it (0600, 32 random bytes, synced) when it is missing.
  /// Errors: denied when others can read it, storage, corrupt (wrong size).
  [[nodiscard]] static Result<Sealer> open(const std::string& key_file);
  explicit Sealer(const std::array<unsigned char, 32>& key);
  ~Sealer();
  Sealer(const Sealer&) = default;
  Sealer& operator=(const Sealer&) = default;

  /// `context` ("device/dev-1/configuration.secureKey") must be the same for unseal.
  [[nodiscard]] std::string seal(std::string_view plain, std::string_view context) const;
  /// Errors: corrupt (changed, cut, other key or other context).
  [[nodiscard]] Result<Secret> unseal(std::string_view sealed, std::string_view context) const;
  /// 16 hex digits of a keyed hash: equal for equal secrets, useless without the key file. Shown instead of the secret.
  [[nodiscard]] std::string fingerprint(std::string_view plain) const;
  /// 32 bytes for another purpose than sealing, always the same for the same key file; they say nothing about the key.
  [[nodiscard]] std::string derived_key(std::string_view purpose) const;
  [[nodiscard]] static bool is_sealed(std::string_view text);

 private:
  std::array<unsigned char, 32> key_{};
};

}  // namespace jl::store
