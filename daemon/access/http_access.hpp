#pragma once
// Devices on an HTTP or WebSocket server component (access.md 5.4). A request says and proves whose it is; a device has
// its session on one thread, wherever its requests come in, so that two connections of it are not two devices. A
// WebSocket is one device's session from its handshake on.
#include "daemon/access/routes.hpp"
#include "daemon/access/virtual_sessions.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/network/http_server.hpp"

#include <vector>

namespace jl::access {

class HttpAccess final : public network::HttpServerHandler, public std::enable_shared_from_this<HttpAccess> {
 public:
  /// A device is offline `silence` milliseconds after its last request; 0 = when it says so.
  HttpAccess(const Context& context, std::string network_id, network::IoThreads& threads, Millis silence);

  /// The gateways from now on; what none of them has a route for is answered 404. Any thread.
  void attach(const std::shared_ptr<const AttachedGateways>& gateways);
  void set_silence(Millis silence);
  /// Ends every session without a connection. Call it after the server's own stop(), not from an I/O thread.
  void stop();

  void on_request(network::HttpConnection& connection, const network::HttpRequest& request) override;
  void on_upgrade(network::HttpConnection& connection, const network::HttpRequest& request) override;
  void on_message(network::HttpConnection& connection, std::string_view message, bool text) override;
  void on_close(network::HttpConnection& connection) override;

 private:
  class RequestLink;
  struct Attachment;
  /// The sessions of one thread.
  struct Home {
    Home(const Context& context, const std::string& network_id, network::IoThread& t, Millis silence)
        : thread(t), sessions(context, network_id, t, VirtualSessions::kMaxDevices, silence) {}
    network::IoThread& thread;
    VirtualSessions sessions;
    bool stopped = false;
  };
  [[nodiscard]] Home& home_of(std::string_view device_id) const;
  /// Works on a request, on its device's thread.
  [[nodiscard]] network::HttpResponse serve(Home& home, const codec::Protocol& codec, const codec::Uplink& uplink,
                                            std::string_view device_id, const std::string& peer);
  void refuse_websocket(network::HttpConnection& connection, std::string_view device_id, const Refusal& refusal);

  Context context_;
  const std::string network_id_;
  Published<RoutedGateways> gateways_;
  std::vector<std::unique_ptr<Home>> homes_;  // by the thread's index
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
