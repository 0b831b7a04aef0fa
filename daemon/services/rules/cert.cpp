// Certs: material that can be read and works for what it is meant for, when it is added and when it is edited, and fits
// the components that use it (network.md 5.3 to 5.6).
#include "daemon/services/rules.hpp"

namespace jl::services {
namespace json = boost::json;
namespace {

constexpr std::size_t kMostUsers = 10'000;

// What of a component's configuration concerns TLS; every type has the same keys.
struct Use {
  std::string path;  // of the configuration
  std::string cert_id, alias;
  bool listens = true;
};

void for_each_use(const Resource& network, const std::function<void(const Use&)>& visit) {
  const auto text = [](const json::object& from, const char* key) {
    const auto* value = from.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const bool listens = !text(network.spec, "type").ends_with("_CLIENT");
  const auto one = [&](const json::object& holder, const std::string& path) {
    const auto* found = holder.if_contains("configuration");
    const auto* configuration = found ? found->if_object() : nullptr;
    const auto* secure = configuration ? configuration->if_contains("secure") : nullptr;
    if (!secure || *secure != json::value(true)) return;
    Use use{path + ".configuration", text(*configuration, "certId"), text(*configuration, "privateKeyAlias"), listens};
    if (!use.cert_id.empty()) visit(use);
  };
  one(network.spec, "spec");
  const auto* cluster = network.spec.if_contains("cluster");
  if (!cluster) return;
  std::size_t index = 0;
  for (const auto& entry : cluster->as_array()) one(entry.as_object(), "spec.cluster[" + std::to_string(index++) + "]");
}

// What keeps a cert from serving a component: the field of its configuration and why.
struct Misfit {
  std::string field, message;
};
std::optional<Misfit> misfit_of(const device::CertInfo& info, const Use& use) {
  if (use.listens && info.mode != cert::Mode::server)
    return Misfit{"certId", "cert \"" + info.id + "\" has mode client; a component that listens needs mode server"};
  const bool shows_itself = use.listens || info.mutual;
  if (!shows_itself && use.alias.empty()) return std::nullopt;
  const auto entry = cert::pick(*info.bundle, use.alias);
  // Without an alias the names that clients ask for choose among several.
  if (!entry && use.listens && use.alias.empty() && info.bundle->entries.size() > 1) return std::nullopt;
  if (!entry) {
    const Error& error = entry.error();
    return Misfit{use.alias.empty() ? "certId" : "privateKeyAlias",
                  error.message + (error.hint.empty() ? "" : "; " + error.hint)};
  }
  if (shows_itself && (!(*entry)->key || (*entry)->chain.empty()))
    return Misfit{"certId", "cert \"" + info.id + "\" holds no private key with its certificate"};
  return std::nullopt;
}

}  // namespace

Result<const Result<device::CertInfo>*> opened_cert(RuleContext& context, const std::string& id) {
  if (const auto known = context.opened_certs.find(id); known != context.opened_certs.end()) return &known->second;
  JL_TRY(const Resource* resource, context.view.get("cert", id));
  if (!resource || !context.secrets) return nullptr;
  return &context.opened_certs.emplace(id, device::open_cert(*resource, *context.secrets)).first->second;
}

Status check_network_certs(RuleContext& context, const Resource& network, const Resource* changed_cert) {
  Status out;
  for_each_use(network, [&](const Use& use) {
    if (changed_cert && use.cert_id != changed_cert->id) return;
    const auto opened = opened_cert(context, use.cert_id);
    if (!opened) {
      out = opened.error();
      return;
    }
    if (!*opened) return;  // there is none: the rule on references has said so
    if (!**opened) {
      if (!changed_cert)
        context.problem(network, use.path + ".certId",
                        "cert \"" + use.cert_id + "\" cannot be used: " + (*opened)->error().message);
      return;
    }
    const device::CertInfo& info = ***opened;
    if (const auto misfit = misfit_of(info, use)) {
      if (changed_cert) {
        context.problem(*changed_cert, "spec.configs", network.label() + " uses it: " + misfit->message);
      } else {
        context.problem(network, use.path + "." + misfit->field, misfit->message);
      }
    } else if (!changed_cert && info.format == cert::Format::pem && !use.alias.empty()) {
      context.warnings.push_back(network.label() + ": privateKeyAlias has no meaning for a PEM cert and is ignored");
    }
  });
  return out;
}

Status check_cert(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  JL_TRY(const auto* opened, opened_cert(context, after->id));
  if (!opened) return {};
  if (!*opened) {
    const Error& error = opened->error();
    if (error.code == Errc::corrupt) return error;
    context.problem(*after, error.field, error.message, error.code);
    return {};
  }
  const device::CertInfo& info = **opened;
  auto findings = cert::check(*info.bundle, info.mode, info.mutual, context.now);
  for (auto& problem : findings.errors)
    context.problem(*after, device::cert_field(problem.field), std::move(problem.message), problem.code);
  for (const auto& warning : findings.warnings) context.warnings.push_back(after->label() + ": " + warning);
  if (!findings.errors.empty()) return {};
  JL_TRY(const auto users, context.view.users_of("cert", after->id, kMostUsers));
  for (const auto& user : users) {
    if (!user.starts_with("network/")) continue;
    JL_TRY(const Resource* network, context.view.get("network", user.substr(user.find('/') + 1)));
    if (network) JL_CHECK(check_network_certs(context, *network, after));
  }
  return {};
}

}  // namespace jl::services
