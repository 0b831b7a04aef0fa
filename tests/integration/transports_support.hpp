#pragma once
// Houses whose gateways are not MQTT, and devices of the official protocol on raw sockets: frames and datagrams by
// hand (wire.md 3 to 5), sharing no code with what they test but the cipher.
#include "tests/integration/house.hpp"
#include "tests/unit/daemon/network/coap_client.hpp"
#include "tests/unit/daemon/network/tcp_client.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace jl::test {

using network::test::CoapClient;
using network::test::CoapPdu;
using network::test::TcpClient;

/// One way in: component "<name>-net", gateway "<name>-gw", product "<name>-p", devices "<name>-1" and "<name>-2" with
/// key "0123456789abcdef" and bearer token "token-<id>".
struct Way {
  const char *name, *type, *provider;
  const char* more = "";  ///< members of the component's configuration
};
inline constexpr Way kTcp{"tcp", "TCP_SERVER", "tcp-server-gateway",
                          R"(,"parserType":"LENGTH_FIELD","parserConfiguration":{"length":4})"};
inline constexpr Way kUdp{"udp", "UDP", "udp-device-gateway"};
inline constexpr Way kHttp{"http", "HTTP_SERVER", "http-server-gateway"};
inline constexpr Way kCoap{"coap", "COAP_SERVER", "coap-server-gateway"};
inline constexpr const char* kKey = "0123456789abcdef";

/// A house with one way in.
class WayHouse {
 public:
  explicit WayHouse(const Way& way);

  [[nodiscard]] std::string name(std::string_view suffix) const {
    return std::string(way_.name) + "-" + std::string(suffix);
  }
  [[nodiscard]] std::string path(std::string_view kind, std::string_view suffix) const;
  [[nodiscard]] Reply edit(std::string_view kind, std::string_view suffix, std::string_view spec) const;
  Reply disable(std::string_view kind, std::string_view suffix) const;
  [[nodiscard]] std::vector<std::string> history(std::string_view device = "1") const {
    return house.history(name(device));
  }
  [[nodiscard]] std::string state(std::string_view device = "1") const { return house.state_of(name(device)); }
  /// A counter of the component.
  [[nodiscard]] std::int64_t counter(const std::string& key) const {
    return house.call("GET", path("networks", "net")).number("status." + key);
  }

  House house;
  std::uint16_t port = 0;

 private:
  Way way_;
};

/// Manifests of a way in, without brackets.
[[nodiscard]] std::string way_manifests(const Way& way, std::uint16_t port);
[[nodiscard]] std::string component_manifest(const Way& way, std::string_view id, std::uint16_t port,
                                             std::string_view more = {});

// ---- wire.md 5

enum FrameKind : unsigned { kOnline = 1, kAck = 2, kReport = 3, kRead = 4, kReadReply = 5 };
struct Binary {
  unsigned kind = 0;
  unsigned sequence = 0;
  std::string device, body;
};
[[nodiscard]] std::string binary_text(std::string_view text);                   ///< STRING
[[nodiscard]] std::string binary_object(std::string_view key, std::int32_t n);  ///< OBJECT of one INT32
[[nodiscard]] std::string binary_message(const Binary& message);
[[nodiscard]] Binary parse_binary(std::string_view bytes);

/// A connection of the binary protocol.
class TcpDevice {
 public:
  TcpDevice(std::uint16_t port, std::string id) : id_(std::move(id)), client_(port) {}
  /// Sends online and returns the code of the acknowledgement; -1 when none comes.
  [[nodiscard]] int log_in(std::string_view key = kKey);
  void send(unsigned kind, unsigned sequence, std::string_view body = {});
  void report(std::int32_t temp) { send(kReport, 3, binary_object("temp", temp)); }
  [[nodiscard]] Binary receive();
  [[nodiscard]] bool at_end() const { return client_.at_end(); }
  void vanish() { client_.close(); }

 private:
  std::string id_;
  TcpClient client_;
};

/// Datagrams of the binary protocol.
class UdpDevice {
 public:
  UdpDevice(std::uint16_t port, std::string id) : id_(std::move(id)), client_(port) {}
  void send(unsigned kind, unsigned sequence, std::string_view body, std::string_view key = kKey);
  /// Key and message of the next datagram.
  [[nodiscard]] std::pair<std::string, Binary> receive();
  /// Sends a report and returns the code of its acknowledgement.
  [[nodiscard]] int report(std::int32_t temp, std::string_view key = kKey);

 private:
  std::string id_;
  CoapClient client_;  // its socket
};

/// A connection that sends requests.
class HttpDevice {
 public:
  HttpDevice(std::uint16_t port, std::string id) : id_(std::move(id)), client_(port) {}
  /// The status of the answer; 0 = the connection ended.
  [[nodiscard]] int post(std::string_view suffix, std::string_view body, std::string token = {});
  [[nodiscard]] int report(int temp);

 private:
  std::string id_;
  TcpClient client_;
};

/// Posts an encrypted report; the code of the answer.
[[nodiscard]] int coap_report(const CoapClient& client, const std::string& id, int temp, std::string_view key = kKey);

}  // namespace jl::test
