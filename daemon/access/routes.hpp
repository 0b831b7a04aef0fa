#pragma once
// Which protocol's gateway takes a request, by its path (access.md 5.4): the routes of everything attached to a
// component.
#include "daemon/access/admission.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::access {

class Routes {
 public:
  Routes() = default;
  /// The upstream routes of these gateways' protocols on a transport.
  Routes(const AttachedGateways& gateways, codec::Transport transport);

  struct Match {
    const codec::Protocol* codec = nullptr;  ///< null = there is no such route, or not with this method
    std::string allowed;                     ///< the methods that the path has, "POST, PUT"; "" = there is no such path
  };
  /// `method` "" = any.
  [[nodiscard]] Match find(std::string_view path, std::string_view method = {}) const;

 private:
  struct Entry {
    std::string filter, method;
    const codec::Protocol* codec;
  };
  std::vector<Entry> entries_;
};

/// The gateways of a component that takes requests, and their routes.
struct RoutedGateways {
  std::shared_ptr<const AttachedGateways> gateways = std::make_shared<const AttachedGateways>();
  Routes routes, websocket;
};

}  // namespace jl::access
