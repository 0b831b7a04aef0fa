#include "cli/import/recognise.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace jl::cli::jetlinks {
namespace {

using Keys = std::initializer_list<std::string_view>;

bool has(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && !value->is_null();
}

bool has_any(const json::object& object, Keys keys) {
  return std::ranges::any_of(keys, [&](std::string_view key) { return has(object, key); });
}

// Whether an enumeration, as a word or as {value, text}, is one of the words.
bool is_one_of(const json::object& object, std::string_view key, Keys words) {
  const auto* value = object.if_contains(key);
  if (value && value->is_object()) value = value->get_object().if_contains("value");
  return value && value->is_string() &&
         std::ranges::any_of(words, [&](std::string_view word) { return iequals(word, value->get_string()); });
}

bool is_product(const json::object& object) {
  return has_any(object, {"accessId", "accessProvider", "messageProtocol", "transportProtocol", "classifiedId",
                          "storePolicy"}) ||
         (has(object, "deviceType") && has(object, "metadata"));
}

bool is_gateway(const json::object& object) {
  return has(object, "provider") && has_any(object, {"channelId", "channel", "networkId", "protocol", "transport"});
}

bool is_network(const json::object& object) {
  return is_one_of(object, "type",
                   {"UDP", "TCP_SERVER", "TCP_CLIENT", "WEB_SOCKET_SERVER", "WEB_SOCKET_CLIENT", "HTTP_SERVER",
                    "HTTP_CLIENT", "MQTT_SERVER", "MQTT_CLIENT", "COAP_SERVER", "COAP_CLIENT"});
}

bool is_cert(const json::object& object) {
  return has(object, "configs") || is_one_of(object, "format", {"PEM", "JKS", "PFX", "P12"}) ||
         is_one_of(object, "instance", {"PEM", "JKS", "PFX", "P12"});
}

}  // namespace

Result<const model::Kind*> recognise(const json::object& object) {
  if (has(object, "kind") && has(object, "spec")) {
    return Error(Errc::invalid, "is a manifest of jlinkd, not an export of JetLinks", "jlctl apply -f FILE");
  }
  std::vector<std::string> fits;
  const bool is_device = has(object, "productId");
  if (is_device) fits.emplace_back("device");
  if (!is_device && is_product(object)) fits.emplace_back("product");
  if (is_gateway(object)) fits.emplace_back("gateway");
  if (is_network(object)) fits.emplace_back("network");
  if (is_one_of(object, "type", {"jar", "local"})) fits.emplace_back("protocol");
  if (is_cert(object)) fits.emplace_back("cert");
  if (fits.size() == 1) return model::find_kind(fits.front());
  if (fits.empty()) {
    return Error(Errc::invalid, "has the fields of no kind that can be imported", "say what it is with --kind");
  }
  return Error(Errc::invalid, "could be " + join(fits, " or "), "say what it is with --kind");
}

}  // namespace jl::cli::jetlinks
