#pragma once
// A blocking MQTT client for tests: it builds packets by hand, so that it shares no code with what it tests.
#include "tests/unit/daemon/network/tcp_client.hpp"

#include <doctest/doctest.h>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::network::test {

inline std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8u & 0xFFu), static_cast<char>(value & 0xFFu)};
}
inline std::string text(std::string_view value) { return u16(value.size()).append(value); }

inline std::string packet(unsigned first, std::string_view body) {
  std::string out(1, static_cast<char>(first));
  std::size_t left = body.size();
  do {
    const std::size_t digit = left % 128;
    left /= 128;
    out.push_back(static_cast<char>(left > 0 ? digit | 0x80u : digit));
  } while (left > 0);
  return out.append(body);
}

struct Connect {
  std::string client_id = "client";
  int version = 4;
  std::size_t keep_alive = 60;
  std::string username{};
};

inline std::string connect(const Connect& c) {
  std::string body = text(c.version == 3 ? "MQIsdp" : "MQTT");
  body.push_back(static_cast<char>(c.version));
  body.push_back(static_cast<char>(c.username.empty() ? 0x02 : 0x82));
  body += u16(c.keep_alive);
  if (c.version == 5) body.push_back('\0');
  body += text(c.client_id);
  if (!c.username.empty()) body += text(c.username);
  return packet(0x10, body);
}

inline std::string publish(std::string_view topic, std::string_view payload, unsigned qos = 0, std::size_t id = 0,
                           int version = 4) {
  std::string body = text(topic);
  if (qos > 0) body += u16(id);
  if (version == 5) body.push_back('\0');
  return packet(0x30u | qos << 1u, body.append(payload));
}

inline std::string subscribe(std::string_view filter, unsigned qos, std::size_t id) {
  return packet(0x82, u16(id) + text(filter) + static_cast<char>(qos));
}

inline const std::string kPingreq = packet(0xC0, "");
inline const std::string kPingresp = packet(0xD0, "");
inline const std::string kDisconnect = packet(0xE0, "");
inline const std::string kConnackOk = packet(0x20, std::string(2, '\0'));

inline std::string connack(int code) { return packet(0x20, std::string{'\0', static_cast<char>(code)}); }
inline std::string puback(std::size_t id) { return packet(0x40, u16(id)); }

class MqttClient : public TcpClient {
 public:
  MqttClient() = default;
  explicit MqttClient(std::uint16_t port) : TcpClient(port) {}
  MqttClient(std::uint16_t port, const Connect& c) : MqttClient(port) {
    send(connect(c));
    const std::string answer = read_packet();
    REQUIRE_FALSE(answer.empty());
    REQUIRE(answer[0] == 0x20);
    REQUIRE(answer[3] == 0);
  }
  /// One whole packet; "" at the end of the stream.
  [[nodiscard]] std::string read_packet() const {
    std::string out = read(1);
    std::size_t left = 0;
    for (unsigned shift = 0; !out.empty() && shift < 28; shift += 7) {
      const std::string digit = read(1);
      if (digit.empty()) return {};
      out += digit;
      left |= (static_cast<std::size_t>(digit[0]) & 0x7Fu) << shift;
      if ((static_cast<unsigned char>(digit[0]) & 0x80u) == 0) break;
    }
    return out + read(left);
  }
};

}  // namespace jl::network::test
