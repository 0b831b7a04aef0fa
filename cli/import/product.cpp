// Products (dev_product; access.md 6).
#include "common/model/product.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"
#include "common/model/gateway.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

// What the official protocol asks for, on any transport (access.md 4.5), and what jlinkd adds to it.
constexpr std::array<std::string_view, 7> kOfficialKeys{"secureId",   "secureKey", "bearer_token", "encAlg",
                                                        "secureType", "downQos",   "v1Compat"};

// 1.x has no accessId: a product names a protocol and a transport. Only one gateway can be meant when only one has
// both.
const Draft* gateway_of_1x(Conversion& conversion, const std::string& protocol, const std::string& transport) {
  const Conversion::Target wanted = conversion.find("protocol", protocol);
  if (protocol.empty() || transport.empty() || !wanted.usable) return nullptr;
  const Draft* found = nullptr;
  for (const Draft& gateway : conversion.drafts("gateway")) {
    if (!gateway.carried || gateway.canonical.at("protocol") != json::value(wanted.id)) continue;
    const auto spec = model::from_json<model::Gateway>(gateway.canonical);
    if (!iequals(model::provider_info(spec.provider).transport, transport)) continue;
    if (found) return nullptr;
    found = &gateway;
  }
  return found;
}

bool is_protocol_off(Conversion& conversion, const Draft& gateway) {
  const auto& id = gateway.canonical.at("protocol");
  return std::ranges::any_of(conversion.drafts("protocol"), [&](const Draft& protocol) {
    return protocol.carried && !protocol.enabled && json::value(protocol.id) == id;
  });
}

void place_gateway(Conversion& conversion, Draft& draft) {
  const std::string old_id = as_text(take(draft.fields, "accessId"));
  const std::string protocol = as_text(take(draft.fields, "messageProtocol"));
  const std::string transport = as_word(take(draft.fields, "transportProtocol"));
  const Draft* gateway = nullptr;
  if (old_id.empty()) {
    gateway = gateway_of_1x(conversion, protocol, transport);
    if (!gateway)
      return conversion.turn_off(draft, "accessId", "the export names no gateway; choose one, then enable it");
    conversion.note(draft, "accessId",
                    "became " + gateway->label() + ", the only gateway with its protocol and transport",
                    Severity::info);
    draft.spec["accessId"] = gateway->id;
  } else {
    const Conversion::Target target = conversion.find("gateway", old_id);
    if (!target.usable) {
      conversion.note(draft, "accessId", "dropped: " + target.trouble);
      return conversion.turn_off(draft, "accessId", "it has no gateway");
    }
    draft.spec["accessId"] = target.id;
    if (target.draft && target.draft->carried) gateway = target.draft;
  }
  draft.is_foreign = !gateway || gateway->is_foreign;
  if (!gateway) return;
  draft.is_official = gateway->is_official;
  if (is_protocol_off(conversion, *gateway))
    conversion.turn_off(draft, "accessId", "the protocol of its gateway is disabled");
}

}  // namespace

void place_access_configuration(Conversion& conversion, Draft& draft) {
  json::value given = as_structure(take(draft.fields, "configuration"));
  if (!given.is_object()) return;
  json::object known;
  for (auto& [key, value] : given.get_object()) {
    if (is_empty(value)) continue;
    const bool is_known = std::ranges::find(kOfficialKeys, std::string_view(key)) != kOfficialKeys.end();
    const std::string path = "configuration." + std::string(key);
    if (!draft.is_official || is_known) {
      if (!is_known && draft.is_foreign)
        conversion.note(draft, path, "kept for the protocol that the daemon has; the official one asks for no such key",
                        Severity::info);
      known[key] = std::move(value);
    } else {
      conversion.note(draft, path, "dropped: the official protocol asks for no such key");
    }
  }
  // The one word that there is; JetLinks does not mind its case.
  if (auto* algorithm = known.if_contains("encAlg"); algorithm && draft.is_official) {
    if (iequals(as_word(*algorithm), "AES")) {
      *algorithm = "AES";
    } else {
      known.erase("encAlg");
      conversion.note(draft, "configuration.encAlg", "dropped: AES is the only algorithm");
    }
  }
  json::object placed = with_secrets_from_environment(conversion, draft, "configuration", known);
  if (!placed.empty()) draft.spec["configuration"] = std::move(placed);
}

void convert_product(Conversion& conversion, Draft& draft) {
  place_gateway(conversion, draft);
  place_access_configuration(conversion, draft);
  json::value metadata = as_structure(take(draft.fields, "metadata"));
  if (!is_empty(metadata)) draft.spec["metadata"] = std::move(metadata);
  for (const char* key : {"deviceType", "classifiedId", "classifiedName"}) {
    json::value value = take(draft.fields, key);
    if (!is_empty(value)) draft.spec[key] = std::move(value);
  }
  static constexpr std::array<std::string_view, 8> kDerived{"accessName",  "accessProvider", "protocolName",
                                                            "deviceCount", "permission",     "selectFlag",
                                                            "parentId",    "transport"};
  conversion.drop_rest(draft, kDerived);
  conversion.settle(draft);
}

}  // namespace jl::cli::jetlinks
