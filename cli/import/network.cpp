// Network components (network_config; network.md 1).
#include "common/model/network.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/framing.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace jl::cli::jetlinks {
namespace {

constexpr std::int64_t kMostMessageSize = 268'435'455;  // MQTT 3.1.1 §2.2.3, and what the tables of all types allow

// network.md 1.6: keys of 1.x. "" = it has no successor.
struct Renamed {
  std::string_view type;  // "" = all
  std::string_view before, after;
};
constexpr std::array<Renamed, 9> kRenamed{{{"", "ssl", "secure"},
                                           {"UDP", "localAddress", "host"},
                                           {"UDP", "localPort", "port"},
                                           {"UDP", "remoteAddress", ""},
                                           {"UDP", "remotePort", ""},
                                           {"COAP_SERVER", "address", "host"},
                                           {"COAP_SERVER", "enableDtls", "secure"},
                                           {"MQTT_CLIENT", "host", "remoteHost"},
                                           {"MQTT_CLIENT", "port", "remotePort"}}};

// The configuration of one component, or of one of its nodes.
class Configuration {
 public:
  Configuration(Conversion& conversion, Draft& draft, std::string type, std::string path)
      : conversion_(conversion), draft_(draft), type_(std::move(type)), path_(std::move(path)) {}

  json::object convert(json::object given) {
    rename(given);
    place_cert(given);
    place_sizes(given);
    strip_scheme(given);
    if (type_ == "MQTT_CLIENT") place_credentials(given);
    if (type_ == "TCP_SERVER") place_framing(conversion_, draft_, path_, given);
    if (type_ == "COAP_SERVER" && iequals(as_word(value_of(given, "transport")), "TCP"))
      conversion_.leave_out(draft_, path_ + ".transport", "jlinkd has no CoAP over TCP");
    return with_secrets_from_environment(conversion_, draft_, path_, known_only(given));
  }

 private:
  static json::value value_of(const json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    return value ? *value : json::value();
  }

  void rename(json::object& given) {
    for (const Renamed& row : kRenamed) {
      if (!row.type.empty() && row.type != type_) continue;
      json::value value = take(given, row.before);
      if (is_empty(value)) continue;
      if (row.after.empty()) {
        conversion_.note(draft_, path_ + "." + std::string(row.before),
                         "dropped: jlinkd answers whoever sent something");
      } else if (is_empty(value_of(given, row.after))) {
        given[row.after] = std::move(value);
      }
    }
  }

  void place_cert(json::object& given) {
    // Read by no version of JetLinks (network.md 1.3).
    (void)take(given, "publicSecure");
    (void)take(given, "publicCertId");
    const std::string old_id = as_text(take(given, "certId"));
    const bool is_secure = as_bool(value_of(given, "secure"));
    if (old_id.empty()) {
      if (is_secure && type_ != "MQTT_CLIENT")
        conversion_.leave_out(draft_, path_ + ".certId", "is secure and names no certificate");
      return;
    }
    const Conversion::Target cert = conversion_.find("cert", old_id);
    if (cert.usable) {
      given["certId"] = cert.id;
      const bool listens = type_ != "MQTT_CLIENT";
      if (is_secure && listens && cert.draft && cert.draft->canonical.if_contains("mode") &&
          cert.draft->canonical.at("mode") == "client")
        conversion_.leave_out(draft_, path_ + ".certId", "cert \"" + old_id + "\" is one of clients");
    } else if (is_secure) {
      conversion_.leave_out(draft_, path_ + ".certId", cert.trouble);
    }
  }

  void place_sizes(json::object& given) {
    const auto size = as_integer(value_of(given, "maxMessageSize"));
    if (!size || *size <= kMostMessageSize) return;
    given["maxMessageSize"] = kMostMessageSize;
    conversion_.note(draft_, path_ + ".maxMessageSize", "lowered to " + std::to_string(kMostMessageSize));
  }

  // What JetLinks' pages cut off when they check the address.
  void strip_scheme(json::object& given) {
    std::string host = as_text(value_of(given, "publicHost"));
    for (const std::string_view scheme : {"http://", "https://", "ftp://"}) {
      if (!to_lower(host).starts_with(scheme)) continue;
      host.erase(0, scheme.size());
      given["publicHost"] = host.substr(0, host.find('/'));
    }
  }

  void place_credentials(json::object& given) {
    if (is_empty(value_of(given, "username")) && !is_empty(value_of(given, "password"))) {
      (void)take(given, "password");
      conversion_.note(draft_, path_ + ".password",
                       "dropped: there is no username; MQTT 3.1.1 has no password without");
    }
  }

  // JetLinks 1.x took any option of vert.x here; its pages leave unused fields as "".
  json::object known_only(const json::object& given) {
    const model::Field* field = model::table_of<model::Network>().find("configuration");
    const model::Table* table = field->table_for({{"type", type_}});
    json::object out;
    for (const auto& [key, value] : given) {
      const model::Field* known = table->find(key);
      if (is_empty(value) || (known && known->ignored)) continue;
      if (known) {
        out[key] = value;
      } else {
        conversion_.note(draft_, path_ + "." + std::string(key), "dropped: jlinkd has no such setting");
      }
    }
    return out;
  }

  Conversion& conversion_;
  Draft& draft_;
  std::string type_;
  std::string path_;
};

json::object object_of(json::value value) {
  json::value parsed = as_structure(std::move(value));
  return parsed.is_object() ? std::move(parsed.get_object()) : json::object();
}

// Independent configurations, one per node (network.md 3).
json::array convert_cluster(Conversion& conversion, Draft& draft, const std::string& type, const json::array& given) {
  json::array out;
  std::set<std::string> servers;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string path = "cluster[" + std::to_string(i) + "]";
    const auto* entry = given[i].if_object();
    json::object fields = entry ? *entry : json::object();
    const std::string server = as_text(take(fields, "serverId"));
    if (server.empty() || !servers.insert(server).second) {
      conversion.note(draft, path,
                      server.empty() ? "dropped: names no node" : "dropped: node \"" + server + "\" stands twice");
      continue;
    }
    json::object configuration = object_of(take(fields, "configuration"));
    (void)take(configuration, "serverId");
    Configuration converter(conversion, draft, type, path + ".configuration");
    out.push_back(json::object{{"serverId", server}, {"configuration", converter.convert(std::move(configuration))}});
    if (!is_empty(take(fields, "tags"))) conversion.note(draft, path + ".tags", "dropped: jlinkd has no such field");
  }
  return out;
}

}  // namespace

void convert_network(Conversion& conversion, Draft& draft) {
  const std::string word = as_word(take(draft.fields, "type"));
  const auto& types = model::EnumWords<model::NetworkType>::words();
  const auto type = std::ranges::find_if(types, [&](const model::Word& known) { return iequals(known.word, word); });
  if (type == types.end()) {
    return conversion.leave_out(draft, "type", "jlinkd has no component of type \"" + word + "\"");
  }
  draft.spec["type"] = type->word;
  const json::value share = take(draft.fields, "shareCluster");
  const bool is_shared = is_empty(share) || as_bool(share);
  json::object configuration = object_of(take(draft.fields, "configuration"));
  const json::value nodes = as_structure(take(draft.fields, "cluster"));
  if (!is_shared && nodes.is_array() && !nodes.get_array().empty()) {
    // The shared configuration is not used then, and often empty.
    draft.spec["shareCluster"] = false;
    draft.spec["cluster"] = convert_cluster(conversion, draft, type->word, nodes.get_array());
  } else {
    if (!is_shared)
      conversion.note(draft, "shareCluster", "became true: no node has a configuration of its own", Severity::info);
    draft.spec["configuration"] =
        Configuration(conversion, draft, type->word, "configuration").convert(std::move(configuration));
  }
  static constexpr std::array<std::string_view, 1> kDerived{"typeObject"};
  conversion.drop_rest(draft, kDerived);
  conversion.settle(draft);
}

namespace {

// Where one configuration of a component meets the world: an address it listens on, or a name it has at a broker.
struct Place {
  std::string node;  // "" = all
  std::string_view transport;
  std::string host;
  std::uint16_t port = 0;
  std::string client_id{};

  [[nodiscard]] bool listens() const { return !transport.empty(); }
  [[nodiscard]] bool collides(const Place& other) const {
    const auto is_wildcard = [](const std::string& name) { return name == "0.0.0.0" || name == "::"; };
    if (!node.empty() && !other.node.empty() && node != other.node) return false;
    if (transport != other.transport || port != other.port) return false;
    if (listens()) return host == other.host || is_wildcard(host) || is_wildcard(other.host);
    return host == other.host && client_id == other.client_id;
  }
};

Place place_of(const Draft& draft, const json::object& configuration, std::string node) {
  const model::NetworkType type = model::network_type_of(draft.canonical);
  if (type == model::NetworkType::mqtt_client) {
    const auto client = model::from_json<model::MqttClient>(configuration);
    return {std::move(node), "", client.remote_host, client.remote_port,
            client.client_id.empty() ? draft.id : client.client_id};
  }
  const auto server = model::from_json<model::Listening>(configuration);
  return {std::move(node), model::network_type_info(type).transport, server.host, server.port};
}

std::vector<Place> places_of(const Draft& draft) {
  std::vector<Place> out;
  const auto* cluster = draft.canonical.if_contains("cluster");
  if (cluster && !draft.canonical.at("shareCluster").as_bool()) {
    for (const auto& entry : cluster->as_array()) {
      if (const auto* configuration = entry.as_object().if_contains("configuration"))
        out.push_back(place_of(draft, configuration->as_object(), std::string(entry.at("serverId").as_string())));
    }
  } else if (const auto* configuration = draft.canonical.if_contains("configuration")) {
    out.push_back(place_of(draft, configuration->as_object(), ""));
  }
  return out;
}

}  // namespace

// JetLinks stores what cannot run together and lets the loser fail quietly (network.md 4.5); jlinkd refuses it.
void separate_listeners(Conversion& conversion) {
  std::map<std::uint16_t, std::vector<std::pair<Place, const Draft*>>> taken;
  for (Draft& draft : conversion.drafts("network")) {
    if (!draft.carried || !draft.enabled) continue;
    const std::vector<Place> places = places_of(draft);
    for (const Place& place : places) {
      for (const auto& [other, owner] : taken[place.port]) {
        if (!place.collides(other)) continue;
        conversion.turn_off(
            draft, place.listens() ? "configuration.port" : "configuration.clientId",
            place.listens() ? "port " + std::to_string(place.port) + " is taken by network \"" + owner->old_id + "\""
                            : "network \"" + owner->old_id + "\" has this name at the same broker");
      }
    }
    if (!draft.enabled) continue;
    for (const Place& place : places) taken[place.port].emplace_back(place, &draft);
  }
}

}  // namespace jl::cli::jetlinks
