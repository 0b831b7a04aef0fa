#include "daemon/network/mqtt_client_reasons.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <cctype>
#include <cerrno>
#include <system_error>

namespace jl::network {
namespace {

constexpr int kFirstFailure = 0x80;  // MQTT 5 §2.4: reason codes from here on are failures

std::string lower_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  while (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string connack_reason(int code, bool v5) {
  constexpr const char* kDenied = "not authorised (bad user name or password)";
  constexpr const char* kVersion = "the broker does not speak this protocol version";
  constexpr const char* kClientId = "the broker refused the client id";
  constexpr const char* kAway = "the broker is not available";
  if (code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION) return kVersion;
  if (v5) {
    switch (code) {
      case MQTT_RC_CLIENTID_NOT_VALID:
        return kClientId;
      case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
      case MQTT_RC_NOT_AUTHORIZED:
        return kDenied;
      case MQTT_RC_SERVER_UNAVAILABLE:
      case MQTT_RC_SERVER_BUSY:
        return kAway;
      default:
        return fmt::format("refused by the broker: {}", lower_first(mosquitto_reason_string(code)));
    }
  }
  switch (code) {
    case CONNACK_REFUSED_PROTOCOL_VERSION:
      return kVersion;
    case CONNACK_REFUSED_IDENTIFIER_REJECTED:
      return kClientId;
    case CONNACK_REFUSED_SERVER_UNAVAILABLE:
      return kAway;
    case CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
    case CONNACK_REFUSED_NOT_AUTHORIZED:
      return kDenied;
    default:
      return fmt::format("refused by the broker with code {}", code);
  }
}

std::string system_reason(int error) {
  if (error == ECONNRESET || error == EPIPE) return "closed by the broker";
  return lower_first(std::generic_category().message(error));
}

std::string handshake_reason(std::string_view tls_error) {
  const bool is_end = tls_error.empty() || tls_error.find("unexpected eof") != std::string_view::npos;
  return fmt::format("TLS handshake failed: {}", is_end ? "closed by the broker" : tls_error);
}

std::string lost_reason(int code, int error, std::string_view tls_error) {
  if (code >= kFirstFailure) {
    return fmt::format("closed by the broker: {}", lower_first(mosquitto_reason_string(code)));
  }
  // An alert says more than the errno, which closing the TLS connection has overwritten.
  const bool is_lost = code == MOSQ_ERR_CONN_LOST || code == MOSQ_ERR_ERRNO;
  if (is_lost && tls_error.find("alert") != std::string_view::npos) {
    return fmt::format("closed by the broker: {}", tls_error);
  }
  switch (code) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
      return "closed by the broker";
    case MOSQ_ERR_KEEPALIVE:
      return "the broker no longer answers";
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
    case MOSQ_ERR_MALFORMED_UTF8:
      return "the broker broke the protocol";
    case MOSQ_ERR_ERRNO:
      if (error == EPROTO) return "closed by the broker";  // the end of a TLS connection
      return system_reason(error);
    case MOSQ_ERR_TLS:
      return handshake_reason(tls_error);
    default:
      return lower_first(mosquitto_strerror(code));
  }
}

}  // namespace jl::network
