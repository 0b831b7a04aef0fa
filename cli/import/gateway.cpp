// Device access gateways (device_gateway; access.md 1).
#include "common/model/gateway.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

const model::GatewayProviderInfo* provider_named(const std::string& word) {
  const auto& words = model::EnumWords<model::GatewayProvider>::words();
  const auto found = std::ranges::find_if(words, [&](const model::Word& known) { return iequals(known.word, word); });
  if (found == words.end()) return nullptr;
  return &model::provider_info(static_cast<model::GatewayProvider>(found - words.begin()));
}

// False when the gateway cannot stand without it.
bool place_network(Conversion& conversion, Draft& draft, const model::GatewayProviderInfo& provider) {
  std::string old_id = as_text(take(draft.fields, "channelId"));
  const std::string former = as_text(take(draft.fields, "networkId"));  // 1.x
  if (old_id.empty()) old_id = former;
  // Providers without a component have their own id there (access.md 1.1).
  if (provider.network_type.empty()) return true;
  if (old_id.empty()) return conversion.leave_out(draft, "channelId", "names no network component"), false;
  const Conversion::Target network = conversion.find("network", old_id);
  if (!network.usable) return conversion.leave_out(draft, "channelId", network.trouble), false;
  if (network.draft && network.draft->carried &&
      network.draft->canonical.at("type") != json::value(provider.network_type)) {
    conversion.leave_out(draft, "channelId", "network \"" + old_id + "\" is no " + provider.network_type);
    return false;
  }
  draft.spec["channelId"] = network.id;
  return true;
}

bool place_protocol(Conversion& conversion, Draft& draft, json::object& configuration) {
  std::string old_id = as_text(take(draft.fields, "protocol"));
  const std::string former = as_text(take(configuration, "protocol"));  // 1.x, and a copy in some of 2.x
  if (old_id.empty()) old_id = former;
  if (old_id.empty()) return conversion.leave_out(draft, "protocol", "names no protocol"), false;
  const Conversion::Target protocol = conversion.find("protocol", old_id);
  if (!protocol.usable) return conversion.leave_out(draft, "protocol", protocol.trouble), false;
  if (protocol.draft && protocol.draft->carried && !protocol.draft->enabled)
    conversion.turn_off(draft, "protocol", "protocol \"" + old_id + "\" is disabled");
  draft.is_foreign = !protocol.draft || !protocol.draft->carried;
  draft.is_official = protocol.draft && protocol.draft->carried && protocol.draft->is_official;
  draft.spec["protocol"] = protocol.id;
  return true;
}

}  // namespace

void convert_gateway(Conversion& conversion, Draft& draft) {
  const std::string word = as_word(take(draft.fields, "provider"));
  const model::GatewayProviderInfo* provider = provider_named(word);
  if (!provider) {
    return conversion.leave_out(draft, "provider", "jlinkd has no access by \"" + word + "\"");
  }
  draft.spec["provider"] =
      model::EnumWords<model::GatewayProvider>::words()[static_cast<std::size_t>(provider->provider)].word;
  json::value given = as_structure(take(draft.fields, "configuration"));
  json::object configuration = given.is_object() ? std::move(given.get_object()) : json::object();
  if (!place_network(conversion, draft, *provider) || !place_protocol(conversion, draft, configuration)) return;
  for (const auto& [key, value] : configuration) {
    if (!is_empty(value))
      conversion.note(draft, "configuration." + std::string(key),
                      "dropped: no gateway of jlinkd has settings of its own");
  }
  static constexpr std::array<std::string_view, 9> kDerived{"channel",        "transport",       "channelInfo",
                                                            "protocolDetail", "transportDetail", "protocolName",
                                                            "transportName",  "networkName",     "typeObject"};
  conversion.drop_rest(draft, kDerived);
  conversion.settle(draft);
}

// Components of TCP and UDP serve one gateway (access.md 1.4); JetLinks guards that in its pages only.
void separate_components(Conversion& conversion) {
  std::map<std::string, const Draft*> taken;
  for (Draft& draft : conversion.drafts("gateway")) {
    const auto* network = draft.carried ? draft.spec.if_contains("channelId") : nullptr;
    if (!network) continue;
    const auto* provider = provider_named(std::string(draft.canonical.at("provider").as_string()));
    const auto [first, is_new] = taken.emplace(std::string(network->as_string()), &draft);
    if (!is_new && provider && !provider->shares_component)
      conversion.leave_out(draft, "channelId", "its network component serves " + first->second->label() + " already");
  }
}

}  // namespace jl::cli::jetlinks
