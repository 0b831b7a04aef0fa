#include "daemon/access/topic_filters.hpp"

#include <algorithm>

namespace jl::access {
namespace {

// Takes the first level off; whether there was one. A text of n slashes has n + 1 levels.
bool next_level(std::string_view& rest, bool& more, std::string_view& level) {
  if (!more) return false;
  const std::size_t slash = rest.find('/');
  more = slash != std::string_view::npos;
  level = rest.substr(0, slash);
  rest.remove_prefix(more ? slash + 1 : rest.size());
  return true;
}

void add_routes(std::vector<network::MqttClientFilter>& filters, const codec::Protocol& protocol) {
  const auto descriptor = protocol.descriptor();
  for (const auto& route : descriptor->routes("MQTT")) {
    if (!route.upstream) continue;
    const network::MqttClientFilter added{filter_of(route), static_cast<std::uint8_t>(std::clamp(route.qos, 0, 2))};
    const auto makes_needless = [](const network::MqttClientFilter& wide, const network::MqttClientFilter& narrow) {
      return wide.qos >= narrow.qos && covers(wide.filter, narrow.filter);
    };
    if (std::ranges::any_of(filters, [&](const auto& known) { return makes_needless(known, added); })) continue;
    std::erase_if(filters, [&](const auto& known) { return makes_needless(added, known); });
    filters.push_back(added);
  }
}

}  // namespace

bool covers(std::string_view wide, std::string_view narrow) {
  // A wildcard at the start does not match topics of the server's own [MQTT-4.7.2-1].
  if (narrow.starts_with('$') && (wide.starts_with('+') || wide.starts_with('#'))) return false;
  bool more_wide = true;
  bool more_narrow = true;
  std::string_view w;
  std::string_view n;
  while (next_level(wide, more_wide, w)) {
    if (w == "#") return true;  // and the level above it [4.7.1.2]
    if (!next_level(narrow, more_narrow, n)) return false;
    if (n == "#" || (w != "+" && w != n)) return false;
  }
  return !more_narrow;
}

std::string filter_of(const codec::Route& route) {
  std::string out;
  std::string_view rest = route.topic;
  std::string_view level;
  for (bool more = true; next_level(rest, more, level);) {
    if (level.starts_with("{#")) {
      out += '#';
      break;
    }
    out += level.find('{') == std::string_view::npos ? level : std::string_view("+");
    if (more) out += '/';
  }
  return out;
}

std::vector<network::MqttClientFilter> filters_of(const codec::Protocol& protocol) {
  std::vector<network::MqttClientFilter> filters;
  add_routes(filters, protocol);
  return filters;
}

std::vector<network::MqttClientFilter> filters_of(const AttachedGateways& gateways) {
  std::vector<network::MqttClientFilter> filters;
  for (const auto& gateway : gateways) {
    if (gateway.codec) add_routes(filters, *gateway.codec);
  }
  return filters;
}

}  // namespace jl::access
