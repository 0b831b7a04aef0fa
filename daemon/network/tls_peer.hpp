#pragma once
// What is to be said of the other side of an OpenSSL session, over TCP or UDP: who it proved to be, and why it failed.
#include <openssl/types.h>
#include <string>

namespace jl::network {

/// The subject of the certificate that the peer presented and that was verified ("CN=dev-1,O=Example"); "" = none.
[[nodiscard]] std::string verified_subject(const SSL& session);

/// Why the last call failed, in words, from OpenSSL's error queue. The queue stays as it is.
[[nodiscard]] std::string failure_reason(const SSL& session);

}  // namespace jl::network
