// What is special to certs: generating them, their private keys, renewal, and looking at other people's.
#include "common/base/words.hpp"
#include "common/cert/generate.hpp"
#include "common/cert/overview.hpp"
#include "daemon/control/calls/call_body.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/network/tls_probe.hpp"

#include <charconv>

namespace jl::control {
namespace json = boost::json;
using device::CertInfo;

namespace {

constexpr std::array<std::pair<std::string_view, cert::KeyType>, 5> kKeyTypes{{{"ec-p256", cert::KeyType::ec_p256},
                                                                               {"ec-p384", cert::KeyType::ec_p384},
                                                                               {"rsa-2048", cert::KeyType::rsa_2048},
                                                                               {"rsa-4096", cert::KeyType::rsa_4096},
                                                                               {"ed25519", cert::KeyType::ed25519}}};

Result<std::shared_ptr<const CertInfo>> usable_cert(const device::Catalogs& catalogs, const std::string& id,
                                                    const char* field) {
  auto info = catalogs.current()->cert(id);
  if (!info) return Error(Errc::invalid, "cert \"" + id + "\" does not exist", "jlctl cert list", field);
  if (!info->bundle)
    return Error(Errc::invalid, "cert \"" + id + "\" cannot be used: " + info->problem, "jlctl cert show " + id, field);
  return info;
}

struct Wanted {
  std::string id, mode, issuer;
  cert::Request request;
};

Result<Wanted> read_wanted(const json::object& given, Millis now) {
  CallBody body(given);
  Wanted out;
  JL_TRY(out.id, body.text("id"));
  if (!is_valid_id(out.id)) return Error(Errc::invalid, "\"" + out.id + "\" is not an id", {}, "id");
  JL_TRY(out.request.common_name, body.text("cn", out.id));
  JL_TRY(out.request.names, body.texts("san"));
  JL_TRY(const std::int64_t days, body.number("days", 365));
  if (days < 1 || days > 36'500) return Error(Errc::invalid, "\"days\" must be 1 to 36500", {}, "days");
  out.request.days = static_cast<int>(days);
  JL_TRY(const std::string key_type, body.text("keyType", "ec-p256"));
  const auto* type = std::ranges::find(kKeyTypes, key_type, &std::pair<std::string_view, cert::KeyType>::first);
  if (type == kKeyTypes.end()) return Error(Errc::invalid, "\"" + key_type + "\" is no key type", {}, "keyType");
  out.request.key_type = type->second;
  JL_TRY(out.request.is_ca, body.flag("ca"));
  JL_TRY(out.issuer, body.text("issuer"));
  JL_TRY(out.mode, body.text("mode", "server"));
  JL_CHECK(body.finish());
  out.request.now = now;
  return out;
}

// The document of a new cert; an authority trusts itself, what it signs trusts it.
Result<json::object> generated_document(const Wanted& wanted, const device::Catalogs& catalogs) {
  const cert::Entry* issuer = nullptr;
  std::shared_ptr<const CertInfo> authority;
  if (!wanted.issuer.empty()) {
    JL_TRY(authority, usable_cert(catalogs, wanted.issuer, "issuer"));
    auto picked = cert::pick(*authority->bundle, "");
    if (!picked) return Error(Errc::invalid, picked.error().message, {}, "issuer");
    issuer = *picked;
  }
  JL_TRY(const cert::Generated made, cert::generate(wanted.request, issuer));
  json::object configs{{"key", made.key_pem.reveal()}, {"cert", made.cert_pem}};
  if (issuer && !issuer->chain.empty()) {
    configs["trust"] = device::to_pem(*issuer->chain.front());
  } else if (wanted.request.is_ca) {
    configs["trust"] = made.cert_pem;
  }
  return json::object{
      {"id", wanted.id},
      {"spec", json::object{{"format", "PEM"}, {"mode", wanted.mode}, {"configs", std::move(configs)}}}};
}

// "host:port", "[::1]:port".
Result<std::pair<std::string, std::uint16_t>> read_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const std::string_view digits = std::string_view(text).substr(colon == std::string::npos ? text.size() : colon + 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || host.size() > 255 || port == 0 || ec != std::errc{} || end != digits.data() + digits.size())
    return Error(Errc::invalid, "\"" + text.substr(0, 300) + "\" is not HOST:PORT", {}, "address");
  return std::pair(std::move(host), port);
}

struct Connect {
  network::TlsProbe probe;
  std::shared_ptr<const CertInfo> info;  // keeps what the probe points into
  cert::Bundle authorities;
};

Result<std::shared_ptr<Connect>> read_connect(const json::object& given, const device::Catalogs& catalogs) {
  CallBody body(given);
  auto out = std::make_shared<Connect>();
  JL_TRY(const std::string address, body.text("address"));
  JL_TRY(auto place, read_address(address));
  out->probe.host = std::move(place.first);
  out->probe.port = place.second;
  JL_TRY(out->probe.server_name, body.text("servername"));
  JL_TRY(const std::string timeout, body.text("connectTimeout", "10s"));
  const auto limit = parse_duration(timeout);
  if (!limit || limit->count() < 1 || *limit > std::chrono::seconds(60))
    return Error(Errc::invalid, "\"connectTimeout\" must be a duration up to 60s", {}, "connectTimeout");
  out->probe.timeout = *limit;
  JL_TRY(const std::string id, body.text("cert"));
  JL_TRY(const std::string authorities, body.text("ca"));
  JL_CHECK(body.finish());
  if (!id.empty() && !authorities.empty())
    return Error(Errc::invalid, "a cert and a file of authorities exclude each other", {}, "ca");
  if (!id.empty()) {
    JL_TRY(out->info, usable_cert(catalogs, id, "cert"));
    out->probe.bundle = out->info->bundle.get();
    if (const auto entry = cert::pick(*out->info->bundle, ""); entry) out->probe.identity = *entry;
  } else if (!authorities.empty()) {
    cert::Source source;
    source.trust = authorities;
    JL_TRY(out->authorities, cert::read(source));
    out->probe.bundle = &out->authorities;
  }
  return out;
}

json::object peer_document(const json::value& address, network::TlsPeer peer, Millis now) {
  cert::Bundle bundle;
  bundle.entries.push_back({"", nullptr, std::move(peer.chain)});
  json::object out{{"address", address}, {"verified", peer.verified}};
  if (!peer.verified) out["reason"] = peer.reason;
  out["protocol"] = peer.protocol;
  out["cipher"] = peer.cipher;
  for (auto& [key, value] : cert::overview(bundle, cert::describe(bundle), now, true)) {
    if (key != "trust" && key != "authorities") out[key] = value;
  }
  return out;
}

}  // namespace

void Calls::cert_generate(const Call& call, const Reply& reply) {
  auto options = mutation_options(call);
  if (!options) return reply->problem(options.error());
  const auto wanted = read_wanted(call.body, r_.clock.now());
  if (!wanted) return reply->problem(wanted.error());
  auto document = generated_document(*wanted, r_.catalogs);
  if (!document) return reply->problem(document.error());
  services::Mutation m;
  m.verb = services::Verb::add;
  m.kind = "cert";
  m.id = wanted->id;
  m.options = std::move(*options);
  m.document = std::move(*document);
  r_.resources.mutate(std::move(m), [reply, object = "cert/" + wanted->id](Result<services::MutationResult> result) {
    answer_mutation(reply, std::move(result), object);
  });
}

void Calls::cert_connect(const Call& call, const Reply& reply) {
  const auto connect = read_connect(call.body, r_.catalogs);
  if (!connect) return reply->problem(connect.error());
  (*connect)->probe.cancelled = &stopping_;
  auto peer = network::probe_tls((*connect)->probe);
  if (!peer) return reply->problem(peer.error());
  reply->json(200, peer_document(call.body.at("address"), std::move(*peer), r_.clock.now()));
}

void Calls::cert_with_keys(const Call& call, const Reply& reply) {
  auto document = r_.resources.show("cert", call.id);
  if (!document) return reply->problem(document.error());
  const auto info = r_.catalogs.current()->cert(call.id);
  json::array keys;
  if (info && info->bundle) {
    for (const cert::Entry& entry : info->bundle->entries) {
      if (!entry.key) continue;
      json::object row;
      if (!entry.alias.empty()) row["alias"] = entry.alias;
      row["pem"] = device::to_pem(*entry.key).reveal();
      keys.push_back(std::move(row));
    }
  }
  log::warn("control", "private keys of cert={} shown to user={} uid={} pid={}", call.id, call.caller.user,
            call.caller.uid, call.caller.pid);
  (*document)["privateKeys"] = std::move(keys);
  reply->json(200, std::move(*document));
}

Status complete_renewal(json::object& patch) {
  const auto* spec = patch.if_contains("spec");
  const json::object* fields = spec ? spec->if_object() : nullptr;
  const auto* found = fields ? fields->if_contains("configs") : nullptr;
  bool good = patch.size() == 1 && found && found->is_object() && !found->as_object().empty();
  for (std::size_t i = 0; good && i < fields->size(); ++i) {
    const auto key = (fields->begin() + i)->key();
    good = key == "configs" || key == "format";
  }
  if (!good) {
    return Error(Errc::bad_request, "the body must be {\"spec\": {\"configs\": {...}}} with the new material",
                 "other fields: jlctl cert edit");
  }
  json::object& changed = patch["spec"].as_object();
  json::object& configs = changed["configs"].as_object();
  const auto gives = [&](const char* key) {
    const auto* value = configs.if_contains(key);
    return value && !value->is_null();
  };
  const auto forget = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (!configs.contains(key)) configs[key] = nullptr;
    }
  };
  // One form of material takes the other's place.
  if (gives("keystoreBase64")) {
    forget({"key", "cert", "keyPwd"});
  } else if (gives("key") || gives("cert")) {
    if (!changed.contains("format")) changed["format"] = "PEM";
    forget({"keystoreBase64", "keystorePwd", "trustKeyStoreBase64", "trustKeyStorePwd"});
  }
  return {};
}

}  // namespace jl::control
