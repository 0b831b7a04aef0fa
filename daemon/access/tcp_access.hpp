#pragma once
// Devices on a TCP server component (access.md 5.4): a connection belongs to nobody until a frame has proven whose it
// is; from then on it is that device's session. One per component; its calls come on the connections' own threads.
#include "daemon/access/admission.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/network/tcp_server.hpp"

namespace jl::access {

class TcpAccess final : public network::TcpServerHandler {
 public:
  TcpAccess(const Context& context, std::string network_id) : context_(context), network_id_(std::move(network_id)) {}

  /// The gateways from now on; none = new connections are closed at once. Any thread.
  void attach(std::shared_ptr<const AttachedGateways> gateways) { gateways_.store(std::move(gateways)); }

  bool on_open(network::TcpConnection& connection) override;
  void on_frame(network::TcpConnection& connection, std::string_view frame) override;
  void on_close(network::TcpConnection& connection, bool by_us) override;

 private:
  struct Attachment;
  void identify(network::TcpConnection& connection, const codec::Uplink& uplink);
  void refuse(network::TcpConnection& connection, const codec::Uplink& uplink, const codec::Protocol& codec,
              std::string_view device_id, const Refusal& refusal);

  Context context_;
  std::string network_id_;
  Published<AttachedGateways> gateways_;
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
