#pragma once
// Requests to an HTTP server component that are not for its gateways' devices: downloads of firmware, hooks of media
// servers, pushes of cloud platforms. They share the component's port by their paths.
#include "daemon/network/http_server.hpp"

#include <string>
#include <string_view>

namespace jl::network {

class HttpDoor {
 public:
  virtual ~HttpDoor() = default;
  /// Whether requests with this decoded path belong here, on whatever component.
  [[nodiscard]] virtual bool takes(std::string_view path) const = 0;
  /// Answers with respond(), now or later; on the connection's thread.
  virtual void on_request(const std::string& network_id, HttpConnection& connection, const HttpRequest& request) = 0;
};

}  // namespace jl::network
