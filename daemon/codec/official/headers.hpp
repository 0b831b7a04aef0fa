#pragma once
// The headers of a message (wire.md 1.4): what jlinkd acts upon, the whole as text, and a copy without secrets.
#include "common/base/result.hpp"
#include "daemon/codec/json_document.hpp"
#include "daemon/codec/message.hpp"

namespace jl::codec::official {

/// Entries of one headers object, at most.
inline constexpr std::size_t kMaxHeaders = 128;

/// Whether a value under this key must not be shown: passwords, secrets, tokens, keys, in any case and spelling.
[[nodiscard]] bool is_secret_key(std::string_view key);

/// Reads `headers` into `out` and appends `"headers":{...}` with a leading comma to `json`, secrets as "***"; appends
/// nothing when no entry is left. Null entries and `token` are dropped. `out.raw` keeps every other value, secrets
/// included: registration needs them, nobody may print it.
/// Errors: Errc::invalid when it is not an object, has a key twice or too many.
[[nodiscard]] Status read_headers(const JsonValue& headers, MessageHeaders& out, std::string& json);

}  // namespace jl::codec::official
