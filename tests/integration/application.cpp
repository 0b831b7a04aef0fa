#include "tests/integration/application.hpp"

#include <algorithm>

namespace jl::test {
namespace mqtt = network::test;
namespace {

std::string connect_packet(const AppLogin& login) {
  std::string body = mqtt::text("MQTT") + '\x05';
  unsigned flags = 0xC0;
  if (login.clean) flags |= 0x02u;
  if (!login.will_topic.empty()) flags |= 0x04u;
  body += static_cast<char>(flags);
  body += mqtt::u16(0);  // no keep alive: the clock jumps
  body += '\x05';
  body += '\x11';
  body += mqtt::u16(login.expiry >> 16u) + mqtt::u16(login.expiry & 0xFFFFu);
  body += mqtt::text(login.id);
  if (!login.will_topic.empty()) body += '\0' + mqtt::text(login.will_topic) + mqtt::text("will");
  return mqtt::packet(0x10, body + mqtt::text(login.user) + mqtt::text(login.password));
}

std::size_t body_of(const std::string& packet) {
  std::size_t at = 1;
  while ((static_cast<unsigned char>(packet[at]) & 0x80u) != 0) ++at;
  return at + 1;
}

std::size_t number_at(const std::string& packet, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(packet.at(at))) << 8u |
         static_cast<unsigned char>(packet.at(at + 1));
}

int reason_of(const std::string& ack) { return ack.size() > 4 ? static_cast<unsigned char>(ack[4]) : 0; }

}  // namespace

int Application::try_connect(std::uint16_t port, const AppLogin& login) {
  const mqtt::MqttClient client(port);
  client.send(connect_packet(login));
  const std::string answer = client.read_packet();
  return answer.size() >= 4 && answer[0] == 0x20 ? static_cast<unsigned char>(answer[3]) : -1;
}

Application::Application(std::uint16_t port, const AppLogin& login) : mqtt_(port) {
  mqtt_.send(connect_packet(login));
  const std::string answer = mqtt_.read_packet();
  REQUIRE(answer.size() >= 4);
  REQUIRE(answer[0] == 0x20);
  REQUIRE(static_cast<int>(static_cast<unsigned char>(answer[3])) == 0);
  present_ = answer[2] == 1;
}

int Application::subscribe(std::string_view filter, unsigned qos) {
  mqtt_.send(mqtt::packet(0x82, mqtt::u16(++packet_id_) + '\0' + mqtt::text(filter) + static_cast<char>(qos)));
  return static_cast<unsigned char>(wait_for(0x90).back());
}

int Application::publish(std::string_view topic, std::string_view payload, unsigned qos, bool retain) {
  std::string bytes = mqtt::publish(topic, payload, qos, ++packet_id_, 5);
  if (retain) bytes[0] |= 1;
  mqtt_.send(bytes);
  return reason_of(wait_for(qos == 2 ? 0x50 : 0x40));
}

int Application::publish_again(std::string_view topic, std::string_view payload, std::size_t packet_id) {
  std::string bytes = mqtt::publish(topic, payload, 2, packet_id, 5);
  bytes[0] |= 8;
  mqtt_.send(bytes);
  return reason_of(wait_for(0x50));
}

void Application::complete(std::size_t packet_id) {
  mqtt_.send(mqtt::packet(0x62, mqtt::u16(packet_id)));
  REQUIRE(number_at(wait_for(0x70), 2) == packet_id);
}

Heard Application::hear(bool receives) {
  while (heard_.empty()) take(mqtt_.read_packet());
  Heard out = std::move(heard_.front());
  heard_.pop_front();
  if (out.qos == 1) mqtt_.send(mqtt::puback(out.packet_id));
  if (out.qos == 2 && receives) {
    mqtt_.send(mqtt::packet(0x50, mqtt::u16(out.packet_id)));
    REQUIRE(number_at(wait_for(0x60), 2) == out.packet_id);
    mqtt_.send(mqtt::packet(0x70, mqtt::u16(out.packet_id)));
  }
  return out;
}

bool Application::hears_nothing() {
  mqtt_.send(mqtt::kPingreq);
  wait_for(0xD0);
  return heard_.empty();
}

bool Application::is_ended() {
  for (;;) {
    const std::string got = mqtt_.read_packet();
    if (got.empty()) return true;
    if ((static_cast<unsigned char>(got[0]) & 0xF0u) == 0xD0u) return false;
  }
}

std::string Application::wait_for(unsigned type) {
  for (;;) {
    std::string got = mqtt_.read_packet();
    REQUIRE_FALSE(got.empty());
    if ((static_cast<unsigned char>(got[0]) & 0xF0u) == type) return got;
    take(got);
  }
}

void Application::take(const std::string& packet) {
  REQUIRE_FALSE(packet.empty());
  const auto first = static_cast<unsigned char>(packet[0]);
  if ((first & 0xF0u) != 0x30u) return;
  Heard out;
  out.qos = first >> 1u & 3u;
  out.retain = (first & 1u) != 0;
  out.again = (first & 8u) != 0;
  std::size_t at = body_of(packet);
  const std::size_t length = number_at(packet, at);
  out.topic = packet.substr(at + 2, length);
  at += 2 + length;
  if (out.qos > 0) {
    out.packet_id = number_at(packet, at);
    at += 2;
  }
  at += 1 + static_cast<unsigned char>(packet.at(at));
  out.payload = packet.substr(at);
  heard_.push_back(std::move(out));
}

}  // namespace jl::test
