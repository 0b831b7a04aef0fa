#pragma once
// An application on an MQTT server component, blocking, for tests: MQTT 5 by hand, on top of the raw client.
#include "tests/unit/daemon/network/mqtt_client.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace jl::test {

/// What an application says in its CONNECT.
struct AppLogin {
  std::string id = "app", user = "alice", password = "secret-1";
  bool clean = true;
  std::uint32_t expiry = 0;
  std::string will_topic{};
};

/// A message that an application got.
struct Heard {
  std::string topic, payload;
  unsigned qos = 0;
  bool retain = false, again = false;
  std::size_t packet_id = 0;
};

class Application {
 public:
  /// The reason code of the CONNACK; -1 when the connection ended without one.
  [[nodiscard]] static int try_connect(std::uint16_t port, const AppLogin& login);
  explicit Application(std::uint16_t port, const AppLogin& login = {});

  [[nodiscard]] bool session_present() const { return present_; }
  /// The reason code of the SUBACK.
  int subscribe(std::string_view filter, unsigned qos = 1);
  /// The reason code of the PUBACK, or with QoS 2 of the PUBREC; that exchange is left open.
  int publish(std::string_view topic, std::string_view payload, unsigned qos = 1, bool retain = false);
  /// The same QoS 2 message once more, as after a connection that broke; then PUBREL.
  int publish_again(std::string_view topic, std::string_view payload, std::size_t packet_id);
  void complete(std::size_t packet_id);
  /// The next message. QoS 1 is acknowledged; QoS 2 with PUBREC only when `receives`.
  [[nodiscard]] Heard hear(bool receives = true);
  /// Whether nothing comes before the answer to a PING.
  [[nodiscard]] bool hears_nothing();
  /// Whether jlinkd ends the connection.
  [[nodiscard]] bool is_ended();
  void leave() const { mqtt_.send(network::test::packet(0xE0, "")); }

 private:
  /// The next packet of this type; messages before it are kept.
  std::string wait_for(unsigned type);
  void take(const std::string& packet);
  network::test::MqttClient mqtt_;
  bool present_ = false;
  std::size_t packet_id_ = 0;
  std::deque<Heard> heard_;
};

}  // namespace jl::test
