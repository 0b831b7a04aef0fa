// Reading resources: documents with their status, lists, exports, names. Nothing here changes anything.
#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "common/model/device.hpp"
#include "daemon/device/records.hpp"
#include "daemon/services/protocol_status.hpp"
#include "daemon/services/resources.hpp"

namespace jl::services {
namespace json = boost::json;
using store::Family;

void Resources::add_status(json::object& document, const Resource& resource, Detail detail) const {
  const bool detailed = detail == Detail::full;
  json::object status;
  if (resource.kind == "device") {
    const auto* product = resource.spec.if_contains("productId");
    const std::string product_id(product ? product->as_string() : json::string());
    const auto session = p_.sessions.find(resource.id);
    const auto state = device::read_state(p_.store, product_id, resource.id);
    if (!resource.enabled) {
      status["state"] = "notActive";
    } else if (session) {
      status["state"] = "online";
      status["since"] = format_time(session->since);
      status["address"] = session->address;
      status["gateway"] = session->gateway_id;
      if (session->is_child()) status["parent"] = session->parent_id;
    } else {
      status["state"] = "offline";
      // A record that still says online is from a daemon that was killed: it went offline with that daemon at the
      // latest when this one started.
      if (state && *state && (*state)->since > 0)
        status["since"] = format_time((*state)->online ? p_.started_at : (*state)->since);
    }
    if (detailed) {
      if (auto values = device::read_values(p_.store, product_id, resource.id, 'p'); values && !values->empty())
        status["properties"] = std::move(*values);
      if (auto tags = device::read_values(p_.store, product_id, resource.id, 't'); tags && !tags->empty())
        status["tags"] = std::move(*tags);
      if (const auto firmware = device::read_firmware(p_.store, product_id, resource.id); firmware && *firmware) {
        json::object shown{{"version", (*firmware)->version}, {"updateTime", format_time((*firmware)->updated)}};
        if (!(*firmware)->properties.empty()) shown["properties"] = (*firmware)->properties;
        status["firmware"] = std::move(shown);
      }
    }
  } else if (resource.kind == "cert") {
    const auto info = p_.catalogs.current()->cert(resource.id);
    if (info) status = device::cert_status(*info, p_.clock.now(), detailed);
    View view(p_.store);
    constexpr std::size_t kMostUsers = 100;
    const auto users = view.users_of("cert", resource.id, kMostUsers);
    status["usedBy"] = users ? json::value_from(*users) : json::value(json::array());
  } else if (resource.kind == "product") {
    View view(p_.store);
    const auto devices = view.count_users("product", resource.id, "device", std::numeric_limits<std::size_t>::max());
    status["devices"] = devices ? *devices : 0;
    if (detailed) status["online"] = runtime_->sessions_of("product", resource.id);
  } else if (resource.kind == "protocol") {
    status = protocol_status(p_.protocols, resource, detailed);
    if (detailed) {
      View view(p_.store);
      constexpr std::size_t kMostUsers = 100;
      const auto users = view.users_of("protocol", resource.id, kMostUsers);
      status["usedBy"] = users ? json::value_from(*users) : json::value(json::array());
    }
  } else {
    status = runtime_->status_of(resource, detail != Detail::listed);
    if (resource.kind == "ota-firmware") {
      View view(p_.store);
      const auto tasks =
          view.count_users(resource.kind, resource.id, "ota-task", std::numeric_limits<std::size_t>::max());
      status["tasks"] = tasks ? *tasks : 0;
    }
  }
  document["status"] = std::move(status);
}

json::object Resources::document(Resource resource, Detail detail) const {
  p_.secrets.mask(resource);
  json::object out = model::to_document(resource);
  add_status(out, resource, detail);
  return out;
}

Result<json::object> Resources::show(std::string_view kind, std::string_view id) const {
  std::optional<store::Entry> entry;
  if (is_valid_id(id)) {
    JL_TRY(entry, p_.store.get(Family::resources, store::key({kind, id})));
  }
  if (!entry)
    return Error(Errc::not_found, std::string(kind) + " \"" + std::string(id) + "\" does not exist",
                 "jlctl " + model::noun_of(kind) + " list");
  JL_TRY(Resource resource, model::from_stored(kind, id, entry->value, entry->revision));
  return document(std::move(resource), Detail::full);
}

Result<bool> Resources::exists(std::string_view kind, std::string_view id) const {
  if (!is_valid_id(id)) return false;
  JL_TRY(const auto entry, p_.store.get(Family::resources, store::key({kind, id})));
  return entry.has_value();
}

Status Resources::list(const model::Kind& kind, const ListFilter& filter,
                       const std::function<bool(json::object)>& visit) const {
  const std::string from = store::key({kind.name, ""});
  const auto snapshot = p_.store.snapshot();
  std::size_t shown = 0;
  Status failed;
  JL_CHECK(snapshot->scan(
      Family::resources, from, store::prefix_end(from), false,
      [&](std::string_view key, std::string_view value, store::Revision revision) {
        auto resource = model::from_stored(kind.name, store::key_part(key, 1), value, revision);
        if (!resource) {
          failed = resource.error();
          return false;
        }
        if (filter.enabled && *filter.enabled != resource->enabled) return true;
        if (!filter.name.empty() && !glob_match(filter.name, resource->name) && !glob_match(filter.name, resource->id))
          return true;
        for (const auto& [field, wanted] : filter.fields) {
          const auto* have = resource->spec.if_contains(field);
          if (!have || model::text_of(*have) != wanted) return true;
        }
        json::object doc = document(std::move(*resource), Detail::listed);
        if (!filter.state.empty() && doc["status"].as_object()["state"] != json::value(filter.state)) return true;
        if (!visit(std::move(doc))) return false;
        return filter.limit == 0 || ++shown < filter.limit;
      }));
  return failed;
}

Status Resources::export_all(const std::vector<std::string>& kinds, bool with_secrets,
                             const std::function<bool(json::object)>& visit) const {
  const auto snapshot = p_.store.snapshot();
  for (const model::Kind& kind : model::kinds()) {
    if (kinds.empty() ? kind.job : std::ranges::find(kinds, kind.name) == kinds.end()) continue;
    const std::string from = store::key({kind.name, ""});
    Status failed;
    bool go_on = true;
    JL_CHECK(snapshot->scan(Family::resources, from, store::prefix_end(from), false,
                            [&](std::string_view key, std::string_view value, store::Revision revision) {
                              auto resource = model::from_stored(kind.name, store::key_part(key, 1), value, revision);
                              if (!resource) {
                                failed = resource.error();
                                return false;
                              }
                              if (with_secrets) {
                                failed = p_.secrets.reveal(*resource);
                                if (!failed) return false;
                              } else {
                                p_.secrets.mask(*resource);
                              }
                              go_on = visit(model::to_manifest(*resource));
                              return go_on;
                            }));
    JL_CHECK(failed);
    if (!go_on) break;
  }
  return {};
}

Result<json::object> Resources::impact(std::string_view kind, std::string_view id) const {
  JL_TRY(const bool found, exists(kind, id));
  if (!found)
    return Error(Errc::not_found, std::string(kind) + " \"" + std::string(id) + "\" does not exist",
                 "jlctl " + model::noun_of(kind) + " list");
  View view(p_.store);
  constexpr std::size_t kCountLimit = 1'000'000;
  JL_TRY(const auto users, view.users_of(kind, id, kCountLimit));
  json::array shown;
  for (std::size_t i = 0; i < users.size() && i < 100; ++i) shown.emplace_back(users[i]);
  return json::object{
      {"sessions", runtime_->sessions_of(kind, id)}, {"usedBy", std::move(shown)}, {"usedByTotal", users.size()}};
}

Result<std::vector<std::string>> Resources::names(std::string_view kind, std::string_view prefix,
                                                  std::size_t limit) const {
  std::vector<std::string> out;
  const std::string from = store::key({kind, prefix});
  const auto snapshot = p_.store.snapshot();
  JL_CHECK(snapshot->scan(Family::resources, from, store::prefix_end(from), false,
                          [&](std::string_view key, std::string_view, store::Revision) {
                            out.emplace_back(store::key_part(key, 1));
                            return out.size() < limit;
                          }));
  return out;
}

}  // namespace jl::services
