// Message protocols (dev_protocol; access.md 3.1). The official one is part of jlinkd; all others are Java.
#include "common/model/protocol.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

// The ids that the official protocol gives itself, and the one of its repository (access.md 4.5).
constexpr std::array<std::string_view, 2> kOfficialIds{"jetlinks.v3.0", "jetlinks-official-protocol"};

bool is_official_id(const Conversion& conversion, const std::string& id) {
  return std::ranges::find(kOfficialIds, id) != kOfficialIds.end() ||
         std::ranges::find(conversion.options().official, id) != conversion.options().official.end();
}

json::object configuration_of(const Draft& protocol) {
  const auto* given = protocol.fields.if_contains("configuration");
  json::value parsed = given ? as_structure(*given) : json::value();
  return parsed.is_object() ? std::move(parsed.get_object()) : json::object();
}

void become_builtin(Draft& draft) {
  draft.is_official = true;
  draft.spec = {{"type", "builtin"}, {"configuration", json::object{{"builtin", "jetlinks-official"}}}};
}

// Protocols that gateways of the files name, as 2.x and as 1.x do.
std::string protocol_of(const Draft& gateway) {
  const auto* given = gateway.fields.if_contains("protocol");
  if (given && !is_empty(*given)) return as_text(*given);
  const json::object configuration = configuration_of(gateway);
  const auto* inner = configuration.if_contains("protocol");
  return inner ? as_text(*inner) : std::string();
}

}  // namespace

bool is_official(const Conversion& conversion, const Draft& protocol) {
  if (is_official_id(conversion, protocol.old_id)) return true;
  json::object configuration = configuration_of(protocol);
  const std::string provider = as_text(take(configuration, "provider"));
  const std::string location = as_text(take(configuration, "location"));
  const std::string_view file = std::string_view(location).substr(location.find_last_of("/\\") + 1);
  return provider.starts_with("org.jetlinks.protocol.official.") || file.starts_with("jetlinks-official-protocol");
}

void convert_protocol(Conversion& conversion, Draft& draft) {
  if (draft.fields.empty() && !draft.spec.empty()) return conversion.settle(draft);  // made from a gateway's reference
  if (!is_official(conversion, draft)) {
    const std::string type = as_word(take(draft.fields, "type"));
    return conversion.leave_out(
        draft, "type",
        (iequals(type, "local") ? "a folder of Java classes" : "a Java package") +
            std::string("; write it anew for jlinkd (jlctl protocol init), then import with --existing ") +
            draft.label());
  }
  become_builtin(draft);
  conversion.note(draft, "configuration", "became the official protocol that jlinkd brings along, version 3",
                  Severity::info);
  static constexpr std::array<std::string_view, 2> kReplaced{"type", "configuration"};
  conversion.drop_rest(draft, kReplaced);
  conversion.settle(draft);
}

void add_named_official_protocols(Conversion& conversion) {
  std::set<std::string> named;
  std::string file;
  for (const Draft& gateway : conversion.drafts("gateway")) {
    const std::string id = protocol_of(gateway);
    if (!is_official_id(conversion, id) || conversion.find("protocol", id).usable || !named.insert(id).second) continue;
    Draft* draft = conversion.add(*model::find_kind("protocol"), gateway.file, 0, {{"id", id}});
    if (!draft) continue;
    become_builtin(*draft);
    conversion.note(*draft, "", "added for " + gateway.label() + ", which names JetLinks' official protocol",
                    Severity::info);
  }
}

}  // namespace jl::cli::jetlinks
