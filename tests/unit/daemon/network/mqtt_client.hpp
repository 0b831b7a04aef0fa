#pragma once
// A blocking MQTT client for tests: it builds packets by hand, so that it shares no code with what it tests.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

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

class MqttClient {
 public:
  MqttClient() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  explicit MqttClient(std::uint16_t port) : MqttClient() { REQUIRE(open(port)); }
  MqttClient(std::uint16_t port, const Connect& c) : MqttClient(port) {
    send(connect(c));
    const std::string answer = read_packet();
    REQUIRE_FALSE(answer.empty());
    REQUIRE(answer[0] == 0x20);
    REQUIRE(answer[3] == 0);
  }
  ~MqttClient() { close(); }
  MqttClient(MqttClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  MqttClient& operator=(MqttClient&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool open(std::uint16_t port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  void set_receive_buffer(int bytes) const { ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); }

  void send(std::string_view bytes) const {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// Whatever the socket takes without blocking.
  [[nodiscard]] std::size_t send_some(std::string_view bytes) const {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  /// Exactly so many bytes; fewer at the end of the stream or after the time limit.
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::recv(fd_, out.data() + have, bytes - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
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
  /// Whether the peer ended the stream in order (FIN, not RST), with nothing unread before.
  [[nodiscard]] bool at_end() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, 0) == 0;
  }
  /// Whether there is nothing to read right now.
  [[nodiscard]] bool is_quiet() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  /// Ends with RST.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

}  // namespace jl::network::test
