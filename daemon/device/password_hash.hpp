#pragma once
// Passwords that are only ever compared: what is kept of them is a salted scrypt hash (RFC 7914), as
// "$scrypt$ln=14,r=8,p=1$SALT$HASH" in base64.
#include <string>
#include <string_view>

namespace jl::device {

/// Takes about 40 ms and 16 MiB.
[[nodiscard]] std::string hash_password(std::string_view plain);
/// Whether the password is the one that was hashed; false for what is no hash. As costly as hashing.
[[nodiscard]] bool verify_password(std::string_view hash, std::string_view plain);
/// Whether a text is a hash of this form, such as an export holds.
[[nodiscard]] bool is_password_hash(std::string_view text);

}  // namespace jl::device
