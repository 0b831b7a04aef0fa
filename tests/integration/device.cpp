#include "tests/integration/device.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <array>

namespace jl::test {
namespace mqtt = network::test;

std::string connect_packet(const Login& login) {
  std::string body = mqtt::text("MQTT");
  unsigned flags = 0x02;
  if (!login.will_topic.empty()) flags |= 0x04u;
  if (!login.username.empty()) flags |= 0x80u;
  if (!login.password.empty()) flags |= 0x40u;
  body += static_cast<char>(login.version);
  body += static_cast<char>(flags);
  body += mqtt::u16(0);  // no keep alive: the clock jumps
  if (login.version == 5) body += '\0';
  body += mqtt::text(login.id);
  if (!login.will_topic.empty()) {
    if (login.version == 5) body += '\0';
    body += mqtt::text(login.will_topic) + mqtt::text(login.will_payload);
  }
  if (!login.username.empty()) body += mqtt::text(login.username);
  if (!login.password.empty()) body += mqtt::text(login.password);
  return mqtt::packet(0x10, body);
}

Login md5_login(const std::string& device, std::int64_t now) {
  Login out(device);
  out.username = fmt::format("{}|{}", device, now);
  const std::string text = out.username + "|key-" + device;
  std::array<unsigned char, 16> hash{};
  unsigned size = 0;
  REQUIRE(EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_md5(), nullptr) == 1);
  out.password.clear();
  for (const unsigned char byte : hash) out.password += fmt::format("{:02x}", byte);
  return out;
}

int Device::try_connect(std::uint16_t port, const Login& login) {
  const mqtt::MqttClient client(port);
  client.send(connect_packet(login));
  const std::string answer = client.read_packet();
  return answer.size() >= 4 && answer[0] == 0x20 ? static_cast<unsigned char>(answer[3]) : -1;
}

Device::Device(std::uint16_t port, const Login& login, std::string product)
    : version_(login.version), product_(std::move(product)), id_(login.id), mqtt_(port) {
  mqtt_.send(connect_packet(login));
  const std::string answer = mqtt_.read_packet();
  REQUIRE(answer.size() >= 4);
  REQUIRE(answer[0] == 0x20);
  REQUIRE(answer[3] == 0);
}

std::string Device::topic(std::string_view suffix) const { return fmt::format("/{}/{}/{}", product_, id_, suffix); }

int Device::publish(std::string_view suffix, std::string_view payload) {
  const std::uint16_t id = ++packet_id_;
  mqtt_.send(mqtt::publish(topic(suffix), payload, 1, id, version_));
  for (;;) {
    const std::string got = packet();
    REQUIRE_FALSE(got.empty());
    if (static_cast<unsigned char>(got[0]) != 0x40) {
      take(got);
      continue;
    }
    REQUIRE(got.substr(2, 2) == mqtt::u16(id));
    return got.size() > 4 ? static_cast<unsigned char>(got[4]) : 0;
  }
}

void Device::publish_only(std::string_view suffix, std::string_view payload) {
  mqtt_.send(mqtt::publish(topic(suffix), payload, 0, 0, version_));
}

std::string Device::packet() { return mqtt_.read_packet(); }

void Device::take(const std::string& packet) {
  const auto first = static_cast<unsigned char>(packet[0]);
  if (first == 0xE0 && packet.size() > 2) disconnect_reason_ = static_cast<unsigned char>(packet[2]);
  if ((first & 0xF0u) != 0x30u) return;
  std::size_t at = 1;
  while ((static_cast<unsigned char>(packet[at]) & 0x80u) != 0) ++at;
  ++at;
  const auto number = [&] {
    const std::size_t value = static_cast<std::size_t>(static_cast<unsigned char>(packet[at])) << 8u |
                              static_cast<unsigned char>(packet[at + 1]);
    at += 2;
    return value;
  };
  Down down;
  const std::size_t length = number();
  down.topic = packet.substr(at, length);
  at += length;
  down.qos = static_cast<int>(first >> 1u & 3u);
  if (down.qos > 0) mqtt_.send(mqtt::puback(number()));
  if (version_ == 5) at += 1 + static_cast<unsigned char>(packet[at]);
  down.payload = boost::json::parse(packet.substr(at));
  down_.push_back(std::move(down));
}

Down Device::receive() {
  while (down_.empty()) {
    const std::string got = packet();
    REQUIRE_FALSE(got.empty());
    take(got);
  }
  Down out = std::move(down_.front());
  down_.pop_front();
  return out;
}

void Device::reply(const Down& request, std::string_view more) {
  const std::string prefix = fmt::format("/{}/{}/", product_, id_);
  REQUIRE(request.topic.starts_with(prefix));
  publish(request.topic.substr(prefix.size()) + "/reply",
          fmt::format(R"({{"messageId":{},{}}})", boost::json::serialize(request.payload.at("messageId")), more));
}

void Device::leave() {
  mqtt_.send(mqtt::kDisconnect);
  mqtt_.close();
}

bool Device::is_ended() {
  for (;;) {
    const std::string got = packet();
    if (got.empty()) return mqtt_.at_end();
    take(got);
  }
}

}  // namespace jl::test
