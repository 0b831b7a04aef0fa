#include "daemon/ota/depot.hpp"

#include "common/base/words.hpp"

#include <algorithm>

namespace jl::ota {
namespace json = boost::json;

void Depot::set_firmware(const std::string& id, std::optional<model::OtaFirmware> firmware) {
  auto next = std::make_shared<Shelf>(*shelf_.load());
  if (firmware) {
    next->firmware[id] = std::make_shared<const model::OtaFirmware>(std::move(*firmware));
  } else {
    next->firmware.erase(id);
  }
  shelf_.store(std::move(next));
}

void Depot::set_server(const std::string& id, std::optional<model::OtaServer> server, bool enabled) {
  auto next = std::make_shared<Shelf>(*shelf_.load());
  if (server) {
    next->servers[id] = {std::make_shared<const model::OtaServer>(std::move(*server)), enabled};
  } else {
    next->servers.erase(id);
  }
  shelf_.store(std::move(next));
}

std::shared_ptr<const model::OtaFirmware> Depot::firmware(std::string_view id) const {
  const auto shelf = shelf_.load();
  const auto it = shelf->firmware.find(id);
  return it == shelf->firmware.end() ? nullptr : it->second;
}

std::string Depot::any_served() const {
  const auto shelf = shelf_.load();
  for (const auto& [id, firmware] : shelf->firmware) {
    if (!firmware->file_id.empty()) return id;
  }
  return {};
}

Result<std::string> Depot::pick(const Shelf& shelf, const std::string& named) {
  if (!named.empty()) {
    const auto it = shelf.servers.find(named);
    if (it == shelf.servers.end())
      return Error(Errc::not_found, "ota server \"" + named + "\" does not exist", "jlctl ota server list");
    if (!it->second.enabled)
      return Error(Errc::disabled, "ota server \"" + named + "\" is disabled", "jlctl ota server enable " + named);
    return named;
  }
  std::vector<std::string> enabled;
  for (const auto& [id, server] : shelf.servers) {
    if (server.enabled) enabled.push_back(id);
  }
  if (enabled.empty())
    return Error(Errc::not_found, "no ota server is enabled, so devices cannot download",
                 "jlctl ota server add main --network ID --public-url http://HOST:PORT");
  if (enabled.size() > 1)
    return Error(Errc::conflict, "there are several ota servers: " + join(enabled), "choose one with --server");
  return enabled.front();
}

Result<std::string> Depot::server_for(const std::string& named) const { return pick(*shelf_.load(), named); }

Status Depot::can_tell(std::string_view firmware_id, const std::string& server_id) const {
  return can_tell(*shelf_.load(), firmware_id, server_id);
}

Status Depot::can_tell(const Shelf& shelf, std::string_view firmware_id, const std::string& server_id) {
  const auto it = shelf.firmware.find(firmware_id);
  if (it == shelf.firmware.end())
    return Error(Errc::not_found, "firmware \"" + std::string(firmware_id) + "\" does not exist");
  if (!it->second->url.empty()) return {};
  const auto server = pick(shelf, server_id);
  if (!server) return server.error();
  return {};
}

std::string url_name(std::string_view file_name) {
  std::string out;
  for (const char c : file_name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    out.push_back(plain ? c : '_');
  }
  // "." and ".." would be taken for steps.
  return out.find_first_not_of('.') == std::string::npos ? "firmware.bin" : out;
}

std::string Depot::url(const model::OtaServer& server, std::string_view firmware_id, const model::OtaFirmware& firmware,
                       const Token& token, bool coap) const {
  std::string out = coap ? server.coap_url : server.public_url;
  return out.append(kDownloadPath)
      .append(firmware_id)
      .append("/")
      .append(url_name(firmware.file_name))
      .append("?k=")
      .append(mint_.make(token, firmware_id));
}

Result<json::object> Depot::message(const Plan& plan, std::string_view device_id, Millis expires, bool coap) const {
  const auto shelf = shelf_.load();
  JL_CHECK(can_tell(*shelf, plan.firmware_id, plan.task.server_id.id));
  const auto& firmware = *shelf->firmware.find(plan.firmware_id)->second;
  json::object out{{"firmwareId", plan.firmware_id}, {"version", firmware.version}};
  if (!firmware.url.empty()) {
    out["url"] = firmware.url;
  } else {
    JL_TRY(const auto id, pick(*shelf, plan.task.server_id.id));
    const model::OtaServer& server = *shelf->servers.find(id)->second.spec;
    const Token token{expires + Millis{server.token_grace} * 1000, plan.task_id, std::string(device_id)};
    out["url"] = url(server, plan.firmware_id, firmware, token, coap && !server.coap_url.empty());
  }
  out["size"] = firmware.size;
  out["sign"] = firmware.sign;
  out["signMethod"] = firmware.sign_method == model::SignMethod::md5 ? "md5" : "sha256";
  json::object parameters;
  for (const auto& property : firmware.properties) parameters[property.id] = property.value;
  if (!firmware.signature.empty()) parameters["signature"] = firmware.signature;
  out["parameters"] = std::move(parameters);
  return out;
}

Result<std::string> Depot::check_url(std::string_view firmware_id, const std::string& server_id, Millis expires,
                                     bool coap) const {
  const auto shelf = shelf_.load();
  const auto it = shelf->firmware.find(firmware_id);
  if (it == shelf->firmware.end())
    return Error(Errc::not_found, "firmware \"" + std::string(firmware_id) + "\" does not exist",
                 "jlctl ota firmware list");
  if (it->second->file_id.empty())
    return Error(Errc::unsupported, "firmware \"" + std::string(firmware_id) + "\" is not served from here",
                 "jlctl ota firmware verify " + std::string(firmware_id));
  JL_TRY(const auto id, pick(*shelf, server_id));
  const model::OtaServer& server = *shelf->servers.find(id)->second.spec;
  if (coap && server.coap_url.empty())
    return Error(Errc::unsupported, "ota server \"" + id + "\" does not serve CoAP",
                 "jlctl ota server edit " + id + " --coap-network ID --coap-url coap://HOST");
  return url(server, firmware_id, *it->second, Token{expires, "", ""}, coap);
}

std::variant<Grant, Denial> Depot::judge(std::string_view network_id, std::string_view path, std::string_view query,
                                         Millis now) const {
  const auto shelf = shelf_.load();
  Grant out;
  for (const auto& [id, server] : shelf->servers) {
    const bool is_it = server.spec->network_id.id == network_id || server.spec->coap_network_id.id == network_id;
    if (!server.enabled || !is_it) continue;
    out.server_id = id;
    out.server = server.spec;
  }
  if (!out.server) return Denial{404, "no firmware is served here"};
  if (!path.starts_with(kDownloadPath)) return Denial{404, "no such firmware"};
  path.remove_prefix(kDownloadPath.size());
  // The name behind the id is for people and for the names of files; it is not looked at.
  const std::string_view firmware_id = path.substr(0, path.find('/'));
  const std::string_view name = firmware_id.size() < path.size() ? path.substr(firmware_id.size() + 1) : "";
  if (name.empty() || name.find('/') != std::string_view::npos) return Denial{404, "no such firmware"};
  std::string_view key;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.starts_with("k=")) key = pair.substr(2);
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  if (key.empty()) return Denial{403, "the address lacks its key"};
  // Before anything is said of what there is.
  auto token = mint_.read(key, firmware_id);
  if (!token) return Denial{403, "the key of this address is not valid"};
  if (token->expires < now) return Denial{403, "the key of this address has expired"};
  const auto it = shelf->firmware.find(firmware_id);
  if (it == shelf->firmware.end() || it->second->file_id.empty()) return Denial{404, "no such firmware"};
  out.firmware_id = std::string(firmware_id);
  out.file_id = it->second->file_id;
  out.file_name = it->second->file_name;
  out.size = static_cast<std::uint64_t>(it->second->size);
  out.token = std::move(*token);
  return out;
}

}  // namespace jl::ota
