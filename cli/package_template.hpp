#pragma once
// A protocol package to start from: small, complete, with a test case for each thing that it does.
#include "common/text/package_files.hpp"

#include <span>
#include <string>
#include <string_view>

namespace jl::cli {

/// "TCP", "UDP", "MQTT", "HTTP", "WebSocket", "CoAP".
[[nodiscard]] std::span<const std::string> template_transports();

/// The files of a package for one transport, which must be one of the above; `id` must be a resource id.
[[nodiscard]] text::PackageFiles package_template(std::string_view transport, std::string_view id);

/// What differs between transports. @ID@ and @TRANSPORT@ stand for those.
struct TransportTemplate {
  std::string_view transport_json;  ///< members of the entry in protocol.json, besides those that all have
  std::string_view main_js;
  std::string_view document;
  std::string_view tests;
};
[[nodiscard]] TransportTemplate tcp_template();
[[nodiscard]] TransportTemplate udp_template();
[[nodiscard]] TransportTemplate mqtt_template();
[[nodiscard]] TransportTemplate websocket_template();
[[nodiscard]] TransportTemplate request_template();  ///< HTTP and CoAP

}  // namespace jl::cli
