#include "daemon/codec/protocol.hpp"

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
    case AuthOutcome::failed:
      return "the protocol failed to check the credentials";
  }
  return "unknown";
}

}  // namespace jl::codec
