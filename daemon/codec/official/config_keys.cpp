#include "daemon/codec/official/config_keys.hpp"

namespace jl::codec::official {
namespace {
ConfigKey secure_key(std::string help) {
  return {.key = "secureKey", .type = "password", .name = "Secure key 安全密钥", .help = std::move(help)};
}

std::vector<ConfigKey> mqtt_keys() {
  std::vector<ConfigKey> keys;
  keys.push_back({.key = "secureId",
                  .type = "string",
                  .name = "Secure ID 安全ID",
                  .help = "the device's user name; must not contain '|' in md5 mode"});
  keys.push_back(secure_key("the device's secret: the password itself, or the key that it is hashed with"));
  keys.push_back({.key = "secureType",
                  .type = "enum",
                  .name = "Authentication 认证方式",
                  .help = "md5: username is secureId|milliseconds, password is md5(username|secureKey); plaintext: "
                          "secureId and secureKey as they are; auto: by the form of the username",
                  .words = {"auto", "md5", "plaintext"},
                  .default_value = "auto"});
  keys.push_back({.key = "downQos",
                  .type = "enum",
                  .name = "Downlink QoS 下行QoS",
                  .help = "QoS of messages to devices that have not subscribed to the topic",
                  .device_scope = false,
                  .words = {"0", "1", "2"},
                  .default_value = "1"});
  keys.push_back({.key = "v1Compat",
                  .type = "boolean",
                  .name = "V1 devices 兼容V1",
                  .help = "also understand child/{id}/connected, disconnect and disconnected, and send \"function\" "
                          "beside \"functionId\"",
                  .default_value = "false"});
  return keys;
}

std::vector<ConfigKey> bearer_keys(std::string help) {
  std::vector<ConfigKey> keys;
  keys.push_back({.key = "bearer_token", .type = "password", .name = "Bearer token 访问令牌", .help = std::move(help)});
  return keys;
}

std::vector<ConfigKey> coap_keys() {
  std::vector<ConfigKey> keys;
  keys.push_back({.key = "encAlg",
                  .type = "enum",
                  .name = "Encryption 加密算法",
                  .help = "how payloads are encrypted: AES-128 in ECB mode with PKCS#7 padding, the only way",
                  .device_scope = false,
                  .words = {"AES"},
                  .default_value = "AES"});
  keys.push_back(secure_key(
      "exactly 16 characters: the AES key of the payloads, and the pre-shared key of DTLS, whose identity is "
      "the device id"));
  return keys;
}
}  // namespace

std::vector<ConfigKey> config_keys(Transport transport) {
  switch (transport) {
    case Transport::mqtt:
      return mqtt_keys();
    case Transport::tcp:
      return {secure_key("what the device logs in with")};
    case Transport::udp:
      return {secure_key("what every datagram begins with, both ways")};
    case Transport::http:
      return bearer_keys("what requests carry as Authorization: Bearer");
    case Transport::websocket:
      return bearer_keys("what the handshake carries as the query parameter token, or as Authorization: Bearer");
    case Transport::coap:
      return coap_keys();
    case Transport::modbus:
      break;
  }
  return {};
}

}  // namespace jl::codec::official
