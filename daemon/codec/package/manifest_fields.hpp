#pragma once
// The field tables of protocol.json (examples/protocols/FORMAT.md), one struct per object.
#include "common/model/describe.hpp"
#include "common/model/network.hpp"
#include "daemon/codec/descriptor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jl::codec::package::fields {

/// Bounds of what protocol.json lists.
inline constexpr std::size_t kMaxRoutes = 256, kMaxKeys = 64, kMaxFeatures = 64, kMaxWords = 64, kMaxMethods = 8;

enum class KeyType : std::uint8_t { string, password, enumeration, boolean, int_, long_, float_, double_ };

/// transports[].config[]
struct Key {
  std::string property, name, description;
  KeyType type = KeyType::string;
  std::vector<std::string> scopes;
  bool required = false;
  std::string default_value;
  std::vector<std::string> words;
};

/// transports[].routes[]: one of topic, address and path.
struct Route {
  std::string topic, address, path;
  std::optional<bool> upstream, downstream;
  std::optional<std::int64_t> qos;
  std::string group, description, example;
  std::string method;
  std::vector<std::string> methods;
};

/// transports[].framing
struct Framing {
  model::ParserType parser_type = model::ParserType::length_field;
  model::ParserConfiguration parser_configuration;
  std::int64_t max_frame_length = 1 << 20;
};

/// transports[]
struct TransportFields {
  Transport transport{};
  std::string main;
  bool auth = true;
  std::vector<Key> config;
  std::vector<Route> routes;
  std::string document;
  model::json::value metadata;
  std::vector<std::string> features;
  Framing framing;
};

/// protocol.json
struct Package {
  std::string id, name, description, version;
  std::string main = "main.js";
  std::vector<std::string> features;
  std::vector<TransportFields> transports;
};

template <class V>
void describe(V& v, Key& s) {
  v.field("property", s.property).formerly("key").required().max_length(64).help("the key itself");
  v.field("name", s.name).max_length(64).help("for people");
  v.field("description", s.description).max_length(1000).help("for people");
  v.field("type", s.type).help("what values look like");
  v.field("scopes", s.scopes).max_length(2).help("product, device; both when it is left out");
  v.field("required", s.required).help("devices of the protocol do not work without it");
  v.field("default", s.default_value).max_length(1024).help("used where nothing is set");
  v.field("enum", s.words).max_length(kMaxWords).help("enum: the words that values are of");
}

template <class V>
void describe(V& v, Route& s) {
  v.field("topic", s.topic).max_length(256).help("MQTT: a topic filter; {name:label} is one level, {#:label} the rest");
  v.field("address", s.address).max_length(256).help("HTTP, CoAP: the path of a URL, in the same way");
  v.field("path", s.path).max_length(256).help("WebSocket: the path of a URL, in the same way");
  v.field("upstream", s.upstream).help("devices send there");
  v.field("downstream", s.downstream).help("devices hear from there");
  v.field("qos", s.qos).range(0, 2).help("MQTT: with which it is subscribed to");
  v.field("group", s.group).max_length(64).help("for people: a heading");
  v.field("description", s.description).max_length(1000).help("for people");
  v.field("example", s.example).max_length(4096).help("for people: a payload");
  v.field("method", s.method).max_length(16).help("HTTP, CoAP: POST when it is left out");
  v.field("methods", s.methods).max_length(kMaxMethods).help("HTTP, CoAP: several of them");
  v.drop("contentTypes");  // JetLinks' pages show them
}

template <class V>
void describe(V& v, Framing& s) {
  v.field("parserType", s.parser_type).help("how the stream is cut into frames");
  v.field("parserConfiguration", s.parser_configuration).help("its parameters");
  v.field("maxFrameLength", s.max_frame_length).range(1, 268'435'456).help("largest frame, bytes");
}

template <class V>
void describe(V& v, TransportFields& s) {
  v.field("transport", s.transport).formerly("id").required().help("what brings the messages");
  v.field("main", s.main).max_length(255).help("the module whose exports serve it");
  v.field("auth", s.auth).help("MQTT, WebSocket: false lets in whoever names a device");
  v.field("config", s.config).max_length(kMaxKeys).help("what products and devices are asked for");
  v.field("routes", s.routes).max_length(kMaxRoutes).help("topics and URLs");
  v.field("document", s.document).max_length(1024).help("how a device speaks it: a *.md of the package, or a URL");
  v.field("metadata", s.metadata)
      .help("default thing model of new products: a *.json of the package, or the model itself");
  v.field("features", s.features).max_length(kMaxFeatures).help("besides those of the protocol");
  v.field("framing", s.framing).help("TCP: how the stream is cut, as a hint for the network component");
  v.drop("codec");
  v.drop("name");
}

template <class V>
void describe(V& v, Package& s) {
  v.field("id", s.id).required().max_length(64).help("what the package calls itself");
  v.field("name", s.name).max_length(64).help("for people; the id when it is left out");
  v.field("description", s.description).max_length(200).help("for people");
  v.field("version", s.version).max_length(64).help("for people");
  v.field("main", s.main)
      .max_length(255)
      .help("the module whose exports serve all transports without one of their own");
  v.field("features", s.features).max_length(kMaxFeatures).help("what the protocol can do, and what it asks for");
  v.field("transports", s.transports).required().max_length(std::size(kTransports)).help("what the protocol speaks");
  v.drop("$schema");
}

}  // namespace jl::codec::package::fields

namespace jl::model {

template <>
struct EnumWords<codec::package::fields::KeyType> {
  static const std::vector<Word>& words();
};
template <>
struct EnumWords<codec::Transport> {
  static const std::vector<Word>& words();
};

}  // namespace jl::model
