#pragma once
// The cipher of CoAP payloads (wire.md 4): AES-128 in ECB mode with PKCS#7 padding, as the protocol has it. It hides
// little and proves little (no nonce, no MAC); DTLS is the answer to that.
#include <string>
#include <string_view>

namespace jl::codec::official {

/// Characters of a secureKey that can be a key.
inline constexpr std::size_t kAesKeyBytes = 16;

/// Replaces `plain` by what `bytes` hold. False when the key is not of kAesKeyBytes, or the bytes are not whole blocks
/// of ciphertext that end in padding; `plain` is empty then.
[[nodiscard]] bool aes_decrypt(std::string_view key, std::string_view bytes, std::string& plain);
/// Replaces `bytes` by the ciphertext. False when the key is not of kAesKeyBytes; `bytes` is empty then.
[[nodiscard]] bool aes_encrypt(std::string_view key, std::string_view plain, std::string& bytes);

}  // namespace jl::codec::official
