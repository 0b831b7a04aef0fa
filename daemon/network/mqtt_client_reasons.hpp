#pragma once
// Why a connection to a broker failed or ended, in the words that `status` and the log show.
#include <string>
#include <string_view>

namespace jl::network {

/// A refusing CONNACK's return code (3.1.1) or reason code (5).
[[nodiscard]] std::string connack_reason(int code, bool v5);
/// An errno: "connection refused".
[[nodiscard]] std::string system_reason(int error);
/// A TLS handshake that failed for another reason than the certificate; OpenSSL's last words.
[[nodiscard]] std::string handshake_reason(std::string_view tls_error);
/// libmosquitto's code (or the reason code of an MQTT 5 DISCONNECT), the errno with it and OpenSSL's last words.
[[nodiscard]] std::string lost_reason(int code, int error, std::string_view tls_error);

}  // namespace jl::network
