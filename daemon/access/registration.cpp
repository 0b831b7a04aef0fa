#include "daemon/access/registration.hpp"

namespace jl::access {
namespace json = boost::json;

Registration registration_of(const codec::DeviceMessage& message, std::string parent_id) {
  Registration out;
  out.device_id = message.device_id;
  out.parent_id = std::move(parent_id);
  out.product_id = message.headers.product_id;
  out.name = message.headers.device_name;
  boost::system::error_code ec;
  const json::value headers = json::parse(json::string_view(message.headers.raw), ec);
  if (ec || !headers.is_object()) return out;
  const auto* configuration = headers.as_object().if_contains("configuration");
  if (!configuration || !configuration->is_object()) return out;
  out.configuration = configuration->as_object();
  if (const auto* self = out.configuration.if_contains("selfManageState")) {
    out.self_manage_state = (self->is_bool() && self->as_bool()) || (self->is_string() && self->as_string() == "true");
    out.configuration.erase("selfManageState");
  }
  return out;
}

void derive_metadata(Provisioner& provisioner, const codec::DeviceMessage& message) {
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(message.json), ec);
  if (ec || !parsed.is_object()) return;
  const auto* metadata = parsed.as_object().if_contains("metadata");
  const auto* all = parsed.as_object().if_contains("all");
  if (!metadata || !metadata->is_string()) return;
  provisioner.derive_metadata(message.device_id, std::string(metadata->as_string()),
                              all && all->is_bool() && all->as_bool());
}

}  // namespace jl::access
