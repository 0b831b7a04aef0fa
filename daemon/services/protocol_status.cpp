#include "daemon/services/protocol_status.hpp"

#include "common/base/time.hpp"

namespace jl::services {
namespace json = boost::json;

namespace {

json::array routes_of(const codec::Descriptor& descriptor) {
  json::array out;
  for (const auto& transport : descriptor.transports) {
    for (const auto& r : transport.routes) {
      json::object row{{"transport", codec::to_string(transport.transport)},
                       {"group", r.group},
                       {"topic", r.topic},
                       {"upstream", r.upstream},
                       {"downstream", r.downstream},
                       {"qos", r.qos},
                       {"description", r.description},
                       {"example", r.example}};
      if (!r.method.empty()) row["method"] = r.method;
      out.push_back(std::move(row));
    }
  }
  return out;
}

json::array config_of(const codec::Descriptor& descriptor) {
  json::array out;
  for (const auto& transport : descriptor.transports) {
    for (const auto& k : transport.config_keys) {
      json::array scopes;
      if (k.product_scope) scopes.emplace_back("product");
      if (k.device_scope) scopes.emplace_back("device");
      json::object row{{"transport", codec::to_string(transport.transport)},
                       {"key", k.key},
                       {"type", k.type},
                       {"name", k.name},
                       {"help", k.help},
                       {"scopes", std::move(scopes)},
                       {"required", k.required}};
      if (!k.words.empty()) row["words"] = json::value_from(k.words);
      if (!k.default_value.empty()) row["default"] = k.default_value;
      out.push_back(std::move(row));
    }
  }
  return out;
}

}  // namespace

json::object protocol_status(const device::Protocols& protocols, const model::Resource& protocol, bool detailed) {
  const device::ProtocolState state = protocols.state_of(protocol);
  json::object out;
  out["state"] = !state.descriptor ? "failed" : protocol.enabled ? "running" : "stopped";
  if (!state.problem.empty()) out["reason"] = state.problem;
  json::array transports;
  if (state.descriptor) {
    for (const auto& name : state.descriptor->transport_names()) transports.emplace_back(name);
  }
  out["transports"] = std::move(transports);
  if (state.is_package) {
    if (state.loaded_at != 0) out["loadedAt"] = format_time(state.loaded_at);
    out["counters"] = json::object{
        {"calls", state.counters.calls}, {"errors", state.counters.errors}, {"overruns", state.counters.overruns}};
  }
  if (!state.descriptor) return out;
  if (!state.descriptor->version.empty()) out["version"] = state.descriptor->version;
  if (!detailed) return out;
  // The resource's own id and name are what counts; the package's are for information.
  out["package"] = json::object{
      {"id", state.descriptor->id}, {"name", state.descriptor->name}, {"description", state.descriptor->description}};
  out["features"] = json::value_from(state.descriptor->features);
  out["config"] = config_of(*state.descriptor);
  out["routes"] = routes_of(*state.descriptor);
  return out;
}

}  // namespace jl::services
