#include "tests/bench/mqtt_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
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

std::string connect_packet(const Credentials& who, std::uint16_t keep_alive) {
  std::string body;
  append_string(body, "MQTT");
  body += '\x04';  // level 3.1.1
  body += '\xc2';  // user name, password, clean session
  append_u16(body, keep_alive);
  append_string(body, who.client_id);
  append_string(body, who.username);
  append_string(body, who.password);
  std::string packet;
  append_header(packet, 0x10, body.size());
  return packet + body;
}

sockaddr loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((127U << 24U) | host);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  return generic;
}

}  // namespace

void die(std::string_view what) {
  std::fprintf(stderr, "jl_bench_mqtt: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

MqttPeer::MqttPeer(const Target& target, const Credentials& credentials)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      output_(connect_packet(credentials, target.keep_alive)) {
  if (fd_ < 0) die(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr from = loopback(target.source, 0), to = loopback(1, target.port);
  if (bind(fd_, &from, sizeof from) < 0) die(std::string("bind: ") + std::strerror(errno));
  if (connect(fd_, &to, sizeof to) < 0 && errno != EINPROGRESS) die(std::string("connect: ") + std::strerror(errno));
  if (target.tls == nullptr) return;
  tls_ = SSL_new(target.tls);
  if (tls_ == nullptr || SSL_set_fd(tls_, fd_) != 1) die("no TLS");
  SSL_set_connect_state(tls_);
}

MqttPeer::~MqttPeer() {
  SSL_free(tls_);
  if (fd_ >= 0) close(fd_);
}

MqttPeer::MqttPeer(MqttPeer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::exchange(other.tls_, nullptr)),
      connected_(other.connected_),
      subscribed_(other.subscribed_),
      next_id_(other.next_id_),
      sent_(other.sent_),
      acked_(other.acked_),
      delivered_(other.delivered_),
      written_(other.written_),
      output_(std::move(other.output_)),
      input_(std::move(other.input_)),
      listener_(std::move(other.listener_)) {}

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

void MqttPeer::subscribe(std::string_view filter, int qos) {
  append_header(output_, 0x82U, 2 + 2 + filter.size() + 1);
  append_u16(output_, 1);
  append_string(output_, filter);
  output_ += static_cast<char>(qos);
}

void MqttPeer::ping() { append_header(output_, 0xc0U, 0); }

void MqttPeer::disconnect() { append_header(output_, 0xe0U, 0); }

// 0 = not now.
std::size_t MqttPeer::write_some(std::string_view bytes) {
  if (tls_ != nullptr) {
    std::size_t done = 0;
    if (SSL_write_ex(tls_, bytes.data(), bytes.size(), &done) == 1) return done;
    const int why = SSL_get_error(tls_, 0);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE && errno != ENOTCONN) die("TLS failed");
    return 0;
  }
  const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != ENOTCONN) die(std::string("send: ") + std::strerror(errno));
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

// 0 = not now.
std::size_t MqttPeer::read_some(char* buffer, std::size_t size) {
  if (tls_ != nullptr) {
    std::size_t done = 0;
    if (SSL_read_ex(tls_, buffer, size, &done) == 1) return done;
    const int why = SSL_get_error(tls_, 0);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE && errno != ENOTCONN) die("TLS failed");
    return 0;
  }
  const ssize_t n = recv(fd_, buffer, size, 0);
  if (n == 0) die("the server closed a connection");
  if (n < 0 && errno != EAGAIN && errno != ENOTCONN) die(std::string("recv: ") + std::strerror(errno));
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

void MqttPeer::flush() {
  while (has_output()) {
    const std::size_t n = write_some(std::string_view(output_).substr(written_));
    if (n == 0) return;
    written_ += n;
  }
  output_.clear();
  written_ = 0;
}

void MqttPeer::receive() {
  std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills what is read
  std::size_t n = 0;
  do {
    n = read_some(buffer.data(), buffer.size());
    input_.append(buffer.data(), n);
  } while (n == buffer.size() || (n > 0 && tls_ != nullptr));

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
    case 3: {  // PUBLISH
      ++delivered_;
      const unsigned qos = (type >> 1U) & 3U;
      if (qos == 0 && !listener_) break;
      const std::size_t topic =
          (static_cast<std::size_t>(static_cast<std::uint8_t>(body[0])) << 8U) | static_cast<std::uint8_t>(body[1]);
      if (qos > 0) answer(qos == 1 ? 0x40 : 0x50, body.substr(2 + topic, 2));
      if (listener_) listener_(body.substr(2, topic), body.substr(2 + topic + (qos > 0 ? 2 : 0)));
      break;
    }
    case 4:  // PUBACK
    case 7:  // PUBCOMP
      ++acked_;
      break;
    case 5:  // PUBREC
      answer(0x62, body.substr(0, 2));
      break;
    case 6:  // PUBREL
      answer(0x70, body.substr(0, 2));
      break;
    case 9:  // SUBACK
      if (body.size() != 3 || (static_cast<unsigned>(body[2]) & 0x80U) != 0) die("the server refused a subscription");
      subscribed_ = true;
      break;
    default:
      break;
  }
}

void MqttPeer::answer(std::uint8_t type, std::string_view packet_id) {
  append_header(output_, type, 2);
  output_ += packet_id;
}

}  // namespace jl::bench
