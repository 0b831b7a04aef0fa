#pragma once
// A whole jlinkd in this process: private state folder and control socket, a clock that stands still, callers as the
// test says. Each test case has one of its own.
#include "daemon/app.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jl::test {

/// An answer of the control socket.
struct Reply {
  int status = 0;
  json::value body;

  /// The code word of a problem; "" when it is none.
  [[nodiscard]] std::string code() const;
  /// Codes and fields of a problem's list: "device/dev-7 spec.productId invalid".
  [[nodiscard]] std::vector<std::string> problems() const;
  /// The value at a path of members and list places: "data.status.state", "items.0.id"; null when there is none.
  [[nodiscard]] json::value at(std::string_view path) const;
  [[nodiscard]] std::string text(std::string_view path) const;
  [[nodiscard]] std::int64_t number(std::string_view path) const;
};

/// A connection to the control socket.
class Ctl {
 public:
  explicit Ctl(const std::string& socket) : client_(socket) { REQUIRE(client_.is_connected()); }
  /// Sends without waiting; answer() takes the reply.
  void send(std::string_view method, std::string_view target, std::string_view body = {},
            std::string_view headers = {}) {
    REQUIRE(client_.request(method, target, body, headers));
  }
  [[nodiscard]] Reply answer();
  Reply call(std::string_view method, std::string_view target, std::string_view body = {},
             std::string_view headers = {});
  /// Begins a stream; returns when it stands.
  void stream(std::string_view method, std::string_view target, std::string_view body = {});
  /// The next line of the stream; null at its end.
  [[nodiscard]] json::value line();
  [[nodiscard]] RawClient& raw() { return client_; }

 private:
  RawClient client_;
  std::string lines_;
};

/// A TCP port of 127.0.0.1 that was free a moment ago.
[[nodiscard]] std::uint16_t free_port();
/// Holds a port, as another program would.
class ForeignListener {
 public:
  explicit ForeignListener(std::uint16_t port = 0);
  ~ForeignListener() { release(); }
  ForeignListener(const ForeignListener&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void release();

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

/// Waits for something that another thread brings about.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class House {
 public:
  explicit House(const std::function<void(Config&)>& change = {});

  [[nodiscard]] Ctl ctl() const { return Ctl(config.socket); }
  /// A connection whose caller has this role.
  [[nodiscard]] Ctl ctl_as(Role role);
  Reply call(std::string_view method, std::string_view target, std::string_view body = {}) const {
    return ctl().call(method, target, body);
  }
  Reply apply(std::string_view documents, std::string_view query = {}) const;
  [[nodiscard]] std::int64_t revision() const { return call("GET", "/v1/status").number("revision"); }
  [[nodiscard]] std::string state_of(const std::string& device) const {
    return call("GET", "/v1/devices/" + device + "/state").text("state");
  }
  /// Types of the stored messages of a device, oldest first.
  [[nodiscard]] std::vector<std::string> history(const std::string& device) const;
  /// Network "net", protocol "official", gateway "gw", product "sensor" and its devices "d1" and "d2".
  void provision();
  /// Ends the daemon and starts it again on the same state.
  void restart();
  void stop() { app.reset(); }
  void start();

  Folder folder;
  ManualClock clock;
  FakePeer peer;
  Config config;
  std::uint16_t port = 0;  ///< of "net"
  std::unique_ptr<App> app;
};

/// Manifests as `apply` takes them, one JSON object each.
[[nodiscard]] std::string network_manifest(std::string_view id, std::uint16_t port, std::string_view more = {});
[[nodiscard]] std::string device_manifest(std::string_view id, std::string_view product, std::string_view more = {});
[[nodiscard]] std::string join_documents(const std::vector<std::string>& documents);

}  // namespace jl::test
