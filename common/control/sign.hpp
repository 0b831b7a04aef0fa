#pragma once
// The digest that somebody worked out of a file before it was sent, and that jlinkd compares with what arrives.
// JetLinks calls it the sign of a firmware; it proves that nothing was lost, not who made the file.
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::control {

enum class SignMethod : std::uint8_t { md5, sha256 };
/// "md5", "sha256".
[[nodiscard]] std::string_view to_string(SignMethod method);

struct Sign {
  SignMethod method = SignMethod::sha256;
  std::string digits;  ///< in lower-case hex
  bool operator==(const Sign&) const = default;
};

/// Reads a method and a sign as people give them, in any case. A method alone is no sign: there is nothing to compare.
/// Errors: invalid, naming "signMethod" (not a known one, or missing) or "sign" (not 32 or 64 hex digits).
[[nodiscard]] Result<std::optional<Sign>> read_sign(std::string_view method, std::string_view sign);

/// sign_mismatch: the file's digest is `actual` (lower-case hex). Carries both as members `expected` and `actual`.
[[nodiscard]] Error sign_mismatch(const Sign& given, std::string_view actual);

}  // namespace jl::control
