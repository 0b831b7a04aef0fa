#pragma once
// The field tables of tests/*.json (examples/protocols/FORMAT.md), one struct per object.
#include "daemon/codec/package/manifest_fields.hpp"

#include <map>
#include <optional>
#include <string>

namespace jl::codec::package::fields {

/// Bytes, in one of four spellings.
struct Bytes {
  std::optional<std::string> hex, text, base64;
  model::json::value json;
};

/// decode
struct Input : Bytes {
  std::string topic, client_id, path, method, query, content_type;
  std::optional<std::int64_t> qos, content_format;
};

/// authenticate
struct Credentials {
  std::string client_id, username, password, path, query;
};

/// expect.sent[]
struct Sent : Bytes {
  std::optional<std::string> topic;
};

struct CaseDevice {
  std::string id, product_id;
  std::map<std::string, std::string> config;
  bool online = true;
};

/// One case. The members of json type are read where they stand.
struct CaseFields {
  std::string name;
  Transport transport{};
  model::json::value device, state, decode, encode, authenticate, expect;
};

struct ExpectFields {
  model::json::value messages, sent;
  std::string error;
  std::optional<bool> success;
};

/// Longest text of a payload, characters.
inline constexpr std::size_t kMaxPayloadText = std::size_t{1} << 20u;

template <class V>
void describe(V& v, Bytes& s) {
  v.field("hex", s.hex).max_length(kMaxPayloadText);
  v.field("text", s.text).max_length(kMaxPayloadText);
  v.field("base64", s.base64).max_length(kMaxPayloadText);
  v.field("json", s.json);
}

template <class V>
void describe(V& v, Input& s) {
  describe(v, static_cast<Bytes&>(s));
  v.field("topic", s.topic).max_length(65'535);
  v.field("clientId", s.client_id).max_length(65'535);
  v.field("path", s.path).max_length(8192);
  v.field("method", s.method).max_length(16);
  v.field("query", s.query).max_length(8192);
  v.field("contentType", s.content_type).max_length(255);
  v.field("qos", s.qos).range(0, 2);
  v.field("contentFormat", s.content_format).range(0, 65'535);
}

template <class V>
void describe(V& v, Credentials& s) {
  v.field("clientId", s.client_id).max_length(65'535);
  v.field("username", s.username).max_length(65'535);
  v.field("password", s.password).max_length(65'535);
  v.field("path", s.path).max_length(8192);
  v.field("query", s.query).max_length(8192);
}

template <class V>
void describe(V& v, Sent& s) {
  describe(v, static_cast<Bytes&>(s));
  v.field("topic", s.topic).max_length(65'535);
}

template <class V>
void describe(V& v, CaseDevice& s) {
  v.field("id", s.id).required().max_length(64);
  v.field("productId", s.product_id).max_length(64);
  v.field("config", s.config).max_length(kMaxKeys);
  v.field("online", s.online);
}

template <class V>
void describe(V& v, CaseFields& s) {
  v.field("name", s.name).required().max_length(200);
  v.field("transport", s.transport).required();
  v.field("device", s.device);
  v.field("state", s.state);
  v.field("decode", s.decode);
  v.field("encode", s.encode);
  v.field("authenticate", s.authenticate);
  v.field("expect", s.expect).required();
  v.drop("description");
  v.drop("$schema");
}

template <class V>
void describe(V& v, ExpectFields& s) {
  v.field("messages", s.messages);
  v.field("sent", s.sent);
  v.field("error", s.error).max_length(1000);
  v.field("success", s.success);
}

}  // namespace jl::codec::package::fields
