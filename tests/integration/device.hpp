#pragma once
// A device of the official protocol, blocking, for tests: packets by hand, on top of the raw MQTT client.
#include "tests/unit/daemon/network/mqtt_client.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace jl::test {

/// What a device says in its CONNECT. By default secureId is the id and secureKey "key-" + id, in clear.
struct Login {
  Login() = default;
  explicit Login(std::string device) : id(device), username(device), password("key-" + device) {}
  std::string id, username, password;
  int version = 4;
  std::string will_topic{}, will_payload{};
};
[[nodiscard]] std::string connect_packet(const Login& login);
/// md5 mode of wire.md 2.1.
[[nodiscard]] Login md5_login(const std::string& device, std::int64_t now);

/// A message from jlinkd.
struct Down {
  std::string topic;
  boost::json::value payload;
  int qos = 0;
};

class Device {
 public:
  /// The return or reason code of the CONNACK; -1 when the connection ended without one.
  [[nodiscard]] static int try_connect(std::uint16_t port, const Login& login);
  /// Connects or fails the test. `product` only stands in its topics.
  Device(std::uint16_t port, const Login& login, std::string product = "sensor");
  Device(std::uint16_t port, const std::string& id) : Device(port, Login(id)) {}

  /// Publishes with QoS 1 on /product/id/suffix and waits for the PUBACK; its MQTT 5 reason, 0 before.
  int publish(std::string_view suffix, std::string_view payload);
  /// Sends without waiting, QoS 0.
  void publish_only(std::string_view suffix, std::string_view payload);
  /// The next message from jlinkd; acknowledged. Fails the test when there comes none.
  [[nodiscard]] Down receive();
  /// Answers a request on the topic that it wants: messageId and whatever members `more` has.
  void reply(const Down& request, std::string_view more);
  /// DISCONNECT and close.
  void leave();
  /// Close without DISCONNECT.
  void vanish() { mqtt_.reset(); }
  /// Whether jlinkd ends the connection; what it sends before is thrown away, except the MQTT 5 DISCONNECT reason.
  [[nodiscard]] bool is_ended();
  [[nodiscard]] int disconnect_reason() const { return disconnect_reason_; }
  [[nodiscard]] const network::test::MqttClient& mqtt() const { return mqtt_; }

 private:
  [[nodiscard]] std::string topic(std::string_view suffix) const;
  [[nodiscard]] std::string packet();
  void take(const std::string& packet);
  int version_;
  std::string product_, id_;
  network::test::MqttClient mqtt_;
  std::uint16_t packet_id_ = 0;
  int disconnect_reason_ = -1;
  std::deque<Down> down_;
};

}  // namespace jl::test
