#include "daemon/access/routes.hpp"

#include "daemon/access/topic_filters.hpp"

#include <algorithm>

namespace jl::access {

Routes::Routes(const AttachedGateways& gateways, codec::Transport transport) {
  for (const auto& gateway : gateways) {
    if (!gateway.codec) continue;
    const auto descriptor = gateway.codec->descriptor();
    for (const auto& route : descriptor->routes(codec::to_string(transport))) {
      if (route.upstream) entries_.push_back({filter_of(route), route.method, gateway.codec});
    }
  }
}

Routes::Match Routes::find(std::string_view path, std::string_view method) const {
  Match out;
  std::vector<std::string_view> methods;  // that the path has
  for (const auto& entry : entries_) {
    if (!covers(entry.filter, path)) continue;
    if (method.empty() || entry.method.empty() || entry.method == method) {
      out.codec = entry.codec;
      return out;
    }
    if (std::ranges::find(methods, entry.method) == methods.end()) methods.push_back(entry.method);
  }
  for (const auto known : methods) {
    if (!out.allowed.empty()) out.allowed += ", ";
    out.allowed += known;
  }
  return out;
}

}  // namespace jl::access
