#pragma once
// Devices on a CoAP component (access.md 5.4): every request says and proves whose it is. A device that observes its
// downlink resource, where the protocol has one, can be sent commands. One per component; its calls come on the
// component's I/O thread, where all its state lives.
#include "daemon/access/routes.hpp"
#include "daemon/access/virtual_sessions.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/coap_server.hpp"

#include <unordered_map>

namespace jl::access {

class CoapAccess final : public network::CoapServerHandler, public std::enable_shared_from_this<CoapAccess> {
 public:
  /// A device is offline after `silence` milliseconds without a request.
  CoapAccess(const Context& context, std::string network_id, std::size_t max_devices, Millis silence);

  /// The server to notify with, on whose thread the sessions live: requests before are answered 5.03. It must stay
  /// until stop() has returned. Once, before all below.
  void bind(network::CoapServer& server, std::shared_ptr<const AttachedGateways> gateways);
  /// The gateways from now on; what none of them has a route for is answered 4.04.
  void attach(std::shared_ptr<const AttachedGateways> gateways);
  void set_silence(Millis silence);
  /// Whether devices may prove themselves in DTLS with the key that they share with their protocol. Any thread.
  void allow_keys(bool allowed) { keys_allowed_ = allowed; }
  /// Ends every session. Call it after the server's own stop(), not from an I/O thread.
  void stop();

  void on_request(const network::CoapRequest& request, network::CoapRespond respond) override;
  void on_observe(const network::CoapRequest& request, network::ObserverId id) override;
  void on_observe_end(network::ObserverId id) override;
  std::string shared_key(std::string_view identity) override;

 private:
  class Link;
  [[nodiscard]] std::variant<VirtualSessions::Entry*, Refusal> session_of(std::string_view device_id,
                                                                          const codec::Protocol& codec,
                                                                          std::string_view peer);
  [[nodiscard]] network::CoapResponse serve(const network::CoapRequest& request);

  Context context_;
  const std::string network_id_;
  const std::size_t max_devices_;
  Millis silence_;
  std::atomic<bool> keys_allowed_{false};
  network::IoThread* thread_ = nullptr;
  network::CoapServer* server_ = nullptr;
  RoutedGateways attached_;
  std::unique_ptr<VirtualSessions> sessions_;                       // from bind() on
  std::unordered_map<network::ObserverId, std::string> observers_;  // whose they are
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
