#pragma once
// A CoAP peer for tests that builds and reads its datagrams by hand, so that it shares no code with what it tests.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::network::test {

enum CoapType : unsigned { kCon = 0, kNon = 1, kAck = 2, kRst = 3 };
enum CoapOption : unsigned {
  kIfMatch = 1,
  kEtag = 4,
  kObserve = 6,
  kUriPath = 11,
  kContentFormat = 12,
  kMaxAge = 14,
  kUriQuery = 15,
  kAccept = 17,
  kBlock2 = 23,
  kBlock1 = 27,
  kSize2 = 28,
  kSize1 = 60,
  kNoResponse = 258,
  kDevice = 2100,
};

inline std::string coap_number(unsigned value) {
  std::string bytes;
  for (; value > 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value & 0xFF));
  return bytes;
}
inline std::string coap_block(unsigned number, bool more, unsigned exponent) {
  return coap_number(number << 4 | (more ? 8u : 0u) | exponent);
}

struct CoapPdu {
  unsigned type = kCon;
  int code = 0;  ///< class * 100 + detail
  unsigned id = 0;
  std::string token{};
  std::vector<std::pair<unsigned, std::string>> options{};
  std::string payload{};

  CoapPdu& path(std::string_view segments) {
    for (std::size_t at = 0; at <= segments.size();) {
      const std::size_t end = std::min(segments.find('/', at), segments.size());
      options.emplace_back(kUriPath, std::string(segments.substr(at, end - at)));
      at = end + 1;
    }
    return *this;
  }
  CoapPdu& with(unsigned option, std::string value) {
    options.emplace_back(option, std::move(value));
    return *this;
  }
  [[nodiscard]] std::optional<std::string> option(unsigned number) const {
    for (const auto& [n, value] : options) {
      if (n == number) return value;
    }
    return std::nullopt;
  }
  [[nodiscard]] unsigned number(unsigned option_number) const {
    unsigned value = 0;
    for (const char byte : option(option_number).value_or("")) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  bool operator==(const CoapPdu&) const = default;

  [[nodiscard]] std::string bytes() const {
    std::string out;
    out.push_back(static_cast<char>(0x40u | type << 4 | token.size()));
    out.push_back(static_cast<char>(code / 100 << 5 | code % 100));
    out.push_back(static_cast<char>(id >> 8));
    out.push_back(static_cast<char>(id & 0xFF));
    out += token;
    auto sorted = options;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    unsigned last = 0;
    for (const auto& [number_of, value] : sorted) {
      append_head(out, number_of - last, static_cast<unsigned>(value.size()));
      out += value;
      last = number_of;
    }
    if (!payload.empty()) out.append("\xFF").append(payload);
    return out;
  }

  static CoapPdu parse(std::string_view bytes) {
    CoapPdu pdu;
    REQUIRE(bytes.size() >= 4);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
    REQUIRE((byte(0) >> 6) == 1);
    pdu.type = byte(0) >> 4 & 3u;
    pdu.code = static_cast<int>(byte(1) >> 5) * 100 + static_cast<int>(byte(1) & 31u);
    pdu.id = byte(2) << 8 | byte(3);
    const std::size_t token = byte(0) & 15u;
    REQUIRE(bytes.size() >= 4 + token);
    pdu.token = bytes.substr(4, token);
    std::size_t at = 4 + token;
    unsigned number = 0;
    while (at < bytes.size()) {
      if (byte(at) == 0xFF) {
        pdu.payload = bytes.substr(at + 1);
        REQUIRE_FALSE(pdu.payload.empty());
        break;
      }
      const auto extended = [&](unsigned nibble) {
        if (nibble < 13) return nibble;
        if (nibble == 13) return 13 + byte(++at);
        REQUIRE(nibble == 14);
        at += 2;
        return 269 + (byte(at - 1) << 8 | byte(at));
      };
      const unsigned head = byte(at);
      number += extended(head >> 4);
      const unsigned size = extended(head & 15u);
      REQUIRE(at + 1 + size <= bytes.size());
      pdu.options.emplace_back(number, bytes.substr(at + 1, size));
      at += 1 + size;
    }
    return pdu;
  }

 private:
  static void append_head(std::string& out, unsigned delta, unsigned size) {
    const auto nibble = [](unsigned value) { return value < 13 ? value : value < 269 ? 13u : 14u; };
    out.push_back(static_cast<char>(nibble(delta) << 4 | nibble(size)));
    for (const unsigned value : {delta, size}) {
      if (value >= 269) out.push_back(static_cast<char>((value - 269) >> 8));
      if (value >= 13) out.push_back(static_cast<char>((value >= 269 ? value - 269 : value - 13) & 0xFF));
    }
  }
};

/// A request; the token of tests is "t".
inline CoapPdu coap_request(int method, std::string_view path, std::string payload = {}, unsigned id = 1,
                            unsigned type = kCon) {
  CoapPdu pdu{.type = type, .code = method, .id = id, .token = "t", .payload = std::move(payload)};
  return pdu.path(path);
}
inline CoapPdu coap_post(std::string_view path, std::string payload, unsigned id = 1, unsigned type = kCon) {
  return coap_request(2, path, std::move(payload), id, type);
}
inline CoapPdu coap_get(std::string_view path, unsigned id = 1, unsigned type = kCon) {
  return coap_request(1, path, {}, id, type);
}

class CoapClient {
 public:
  explicit CoapClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  /// The same over IPv6.
  struct Six {};
  CoapClient(std::uint16_t port, Six) : fd_(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~CoapClient() { ::close(fd_); }
  CoapClient(const CoapClient&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void send(std::string_view bytes) const {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  void send(const CoapPdu& pdu) const { send(pdu.bytes()); }
  /// The next datagram; "" when none comes.
  [[nodiscard]] std::string receive_bytes() const {
    std::string buffer(2048, '\0');
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return buffer;
  }
  [[nodiscard]] CoapPdu receive() const {
    const std::string bytes = receive_bytes();
    REQUIRE_FALSE(bytes.empty());
    return CoapPdu::parse(bytes);
  }
  [[nodiscard]] CoapPdu ask(const CoapPdu& pdu) const {
    send(pdu);
    return receive();
  }
  void acknowledge(const CoapPdu& pdu) const { send(CoapPdu{.type = kAck, .id = pdu.id}); }
  void reset(const CoapPdu& pdu) const { send(CoapPdu{.type = kRst, .id = pdu.id}); }
  /// Whether everything sent so far has been worked on and nothing came back: a request with an option that nobody
  /// knows is refused at once, and that is the next thing to come.
  [[nodiscard]] bool is_quiet() {
    const CoapPdu marker = CoapPdu{.code = 1, .id = 0xFF00u + (++markers_ & 0xFFu), .token = "marker"}.with(9999, "x");
    const std::string bytes = marker.bytes();
    send(bytes);
    const CoapPdu answer = receive();
    return answer.id == marker.id && answer.code == 402;
  }

 private:
  int fd_;
  unsigned markers_ = 0;
};

}  // namespace jl::network::test
