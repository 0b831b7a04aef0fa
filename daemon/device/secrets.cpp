#include "daemon/device/secrets.hpp"

#include "common/base/assert.hpp"
#include "common/text/redact.hpp"
#include "daemon/device/password_hash.hpp"

namespace jl::device {
namespace json = boost::json;
namespace {

// Calls visit(value, path, hashed) for each secret text of a spec.
template <class Visit>
void for_each_secret(model::Resource& resource, Visit&& visit) {
  const model::Kind* kind = model::find_kind(resource.kind);
  JL_ASSERT(kind);
  const json::object root = resource.spec;
  model::for_each_value(*kind->spec, resource.spec, root, "spec",
                        [&](const model::Field& field, json::value& value, const std::string& path) {
                          if (field.type == model::Type::secret && value.is_string()) {
                            visit(value, path, field.hashed);
                          } else if (field.type == model::Type::config && value.is_object()) {
                            for (auto& entry : value.as_object()) {
                              if (entry.value().is_string() && text::is_secret_key(entry.key())) {
                                visit(entry.value(), path + "." + std::string(entry.key()), false);
                              }
                            }
                          }
                        });
}

std::string context_of(const model::Resource& resource, const std::string& path) {
  return resource.label() + "/" + path;
}

}  // namespace

void Secrets::seal(model::Resource& after, const model::Resource* before, std::vector<Problem>& problems) const {
  std::map<std::string, std::string> stored;
  if (before) {
    model::Resource copy = *before;
    for_each_secret(
        copy, [&](json::value& value, const std::string& path, bool) { stored[path] = value.as_string().c_str(); });
  }
  for_each_secret(after, [&](json::value& value, const std::string& path, bool hashed) {
    std::string given(value.as_string());
    const auto old = stored.find(path);
    if (old != stored.end() && old->second == given) return;
    std::optional<Secret> old_plain;
    if (old != stored.end()) {
      if (auto opened = sealer_.unseal(old->second, context_of(after, path))) old_plain = std::move(*opened);
    }
    if (given.starts_with(kPlaceholder)) {
      if (old_plain && given.substr(kPlaceholder.size()) == sealer_.fingerprint(old_plain->reveal())) {
        value = json::value(old->second);
      } else {
        problems.push_back({path,
                            "is the placeholder of a secret that is not stored here; give the secret itself",
                            Errc::secret_missing,
                            after.label(),
                            {}});
      }
      return;
    }
    if (store::Sealer::is_sealed(given)) {
      problems.push_back({path, "must be the secret itself", Errc::invalid, after.label(), {}});
      return;
    }
    if (hashed && !is_password_hash(given)) {
      given = old_plain && verify_password(old_plain->reveal(), given) ? old_plain->reveal() : hash_password(given);
    }
    value = old_plain && old_plain->reveal() == given ? json::value(old->second)
                                                      : json::value(sealer_.seal(given, context_of(after, path)));
  });
}

void Secrets::mask(model::Resource& resource) const {
  for_each_secret(resource, [&](json::value& value, const std::string& path, bool) {
    const auto plain = sealer_.unseal(std::string_view(value.as_string()), context_of(resource, path));
    value = json::value(std::string(kPlaceholder) +
                        (plain ? sealer_.fingerprint(plain->reveal()) : std::string("unreadable")));
  });
}

Status Secrets::reveal(model::Resource& resource) const {
  Status out;
  for_each_secret(resource, [&](json::value& value, const std::string& path, bool) {
    auto plain = sealer_.unseal(std::string_view(value.as_string()), context_of(resource, path));
    if (plain) {
      value = json::value(plain->reveal());
    } else {
      out = plain.error();
    }
  });
  return out;
}

Result<std::map<std::string, Secret, std::less<>>> Secrets::open_config(const model::Resource& resource) const {
  std::map<std::string, Secret, std::less<>> out;
  const auto* config = resource.spec.if_contains("configuration");
  if (!config || !config->is_object()) return out;
  for (const auto& entry : config->as_object()) {
    if (!entry.value().is_string()) continue;
    const std::string text(entry.value().as_string());
    if (text::is_secret_key(entry.key())) {
      JL_TRY(Secret plain,
             sealer_.unseal(text, context_of(resource, "spec.configuration." + std::string(entry.key()))));
      out.emplace(entry.key(), std::move(plain));
    } else {
      out.emplace(entry.key(), Secret(text));
    }
  }
  return out;
}

}  // namespace jl::device
