#include "daemon/codec/protocol.hpp"

#include <algorithm>
#include <array>

namespace jl::codec {

std::string_view to_string(AuthOutcome outcome) {
  switch (outcome) {
    case AuthOutcome::ok:
      return "authenticated";
    case AuthOutcome::bad_format:
      return "the username or password is not of the form that the protocol asks for";
    case AuthOutcome::clock_skew:
      return "the device's clock differs by more than five minutes";
    case AuthOutcome::bad_credentials:
      return "wrong username or password";
    case AuthOutcome::unsupported:
      return "this way to authenticate is not supported";
    case AuthOutcome::not_configured:
      return "the device has no credentials configured";
  }
  return "unknown";
}

namespace {
constexpr std::array<std::string_view, 6> kTransports{"MQTT", "TCP", "UDP", "HTTP", "WebSocket", "CoAP"};
}  // namespace

std::string_view to_string(Transport transport) { return kTransports[static_cast<std::size_t>(transport)]; }

std::optional<Transport> transport_from(std::string_view word) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (std::size_t i = 0; i < kTransports.size(); ++i) {
    if (std::ranges::equal(word, kTransports[i], same)) return static_cast<Transport>(i);
  }
  return std::nullopt;
}

}  // namespace jl::codec
