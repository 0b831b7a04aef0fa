#include "tests/bench/mqtt_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace jl::bench {
namespace {

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8U);
  out += static_cast<char>(value & 0xffU);
}

void append_string(std::string& out, std::string_view text) {
  append_u16(out, text.size());
  out += text;
}

// Fixed header with a remaining length of variable size (MQTT 3.1.1 §2.2.3).
void append_header(std::string& out, unsigned first, std::size_t length) {
  out += static_cast<char>(first);
  do {
    const std::size_t rest = length >> 7U;
    out += static_cast<char>((length & 0x7fU) | (rest > 0 ? 0x80U : 0U));
    length = rest;
  } while (length > 0);
}

std::string connect_packet(const Credentials& who) {
  std::string body;
  append_string(body, "MQTT");
  body += '\x04';  // level 3.1.1
  body += '\xc2';  // user name, password, clean session
  append_u16(body, 0);
  append_string(body, who.client_id);
  append_string(body, who.username);
  append_string(body, who.password);
  std::string packet;
  append_header(packet, 0x10, body.size());
  return packet + body;
}

}  // namespace

void die(std::string_view what) {
  std::fprintf(stderr, "jl_bench_mqtt: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

MqttPeer::MqttPeer(std::uint16_t port, const Credentials& credentials)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), output_(connect_packet(credentials)) {
  if (fd_ < 0) die(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  if (connect(fd_, &generic, sizeof address) < 0 && errno != EINPROGRESS)
    die(std::string("connect: ") + std::strerror(errno));
}

MqttPeer::~MqttPeer() {
  if (fd_ >= 0) close(fd_);
}

MqttPeer::MqttPeer(MqttPeer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      connected_(other.connected_),
      next_id_(other.next_id_),
      sent_(other.sent_),
      acked_(other.acked_),
      written_(other.written_),
      output_(std::move(other.output_)),
      input_(std::move(other.input_)) {}

void MqttPeer::publish(std::string_view topic, std::string_view payload, int qos) {
  append_header(output_, 0x30U | (static_cast<unsigned>(qos) << 1U),
                2 + topic.size() + (qos > 0 ? 2U : 0U) + payload.size());
  append_string(output_, topic);
  if (qos > 0) {
    if (++next_id_ == 0) next_id_ = 1;  // 0 is not a packet id [MQTT-2.3.1-1]
    append_u16(output_, next_id_);
  }
  output_ += payload;
  ++sent_;
}

void MqttPeer::flush() {
  while (has_output()) {
    const ssize_t n = send(fd_, output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN || errno == ENOTCONN) return;
      die(std::string("send: ") + std::strerror(errno));
    }
    written_ += static_cast<std::size_t>(n);
  }
  output_.clear();
  written_ = 0;
}

void MqttPeer::receive() {
  std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills what is read
  ssize_t n = 0;
  do {
    n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno != EAGAIN) die(std::string("recv: ") + std::strerror(errno));
    if (n == 0) die("the server closed a connection");
    if (n > 0) input_.append(buffer.data(), static_cast<std::size_t>(n));
  } while (n == static_cast<ssize_t>(buffer.size()));

  std::size_t at = 0;
  while (input_.size() - at >= 2) {
    std::size_t length = 0, used = 1;
    unsigned shift = 0;
    std::uint8_t byte = 0x80;
    while ((byte & 0x80U) != 0 && at + used < input_.size() && shift <= 21) {
      byte = static_cast<std::uint8_t>(input_[at + used++]);
      length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
      shift += 7;
    }
    if ((byte & 0x80U) != 0 || input_.size() - at < used + length) break;
    handle_packet(static_cast<std::uint8_t>(input_[at]), std::string_view(input_).substr(at + used, length));
    at += used + length;
  }
  input_.erase(0, at);
  if (input_.empty()) input_.shrink_to_fit();
}

void MqttPeer::handle_packet(std::uint8_t type, std::string_view body) {
  switch (type >> 4U) {
    case 2:  // CONNACK
      if (body.size() < 2 || body[1] != 0)
        die("the server refused a connection, code " + std::to_string(body.size() < 2 ? -1 : int{body[1]}));
      connected_ = true;
      break;
    case 4:  // PUBACK
      ++acked_;
      break;
    default:
      break;
  }
}

}  // namespace jl::bench
