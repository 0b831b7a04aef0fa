#include "daemon/services/bonds.hpp"

#include "common/base/assert.hpp"
#include "common/model/thing_model.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace jl::services {
namespace json = boost::json;
using model::Bond;

namespace {

class Follower {
 public:
  Follower(View& view, Millis now) : view_(view), now_(now) {}

  Result<Aftermath> run() {
    for (const auto& change : view_.changes()) {
      if (!change.after) {
        waiting_.emplace_back(change.any().kind, change.any().id);
      } else if (change.before && change.any().kind == "product") {
        JL_CHECK(forget_properties(*change.before, *change.after));
      }
    }
    while (!waiting_.empty()) {
      const auto [kind, id] = waiting_.front();
      waiting_.pop_front();
      if (!has_bonds(kind)) continue;
      gone_[kind].insert(id);
      JL_TRY(const auto users, view_.users_of(kind, id, SIZE_MAX));
      for (const std::string& label : users) {
        const std::size_t slash = label.find('/');
        JL_CHECK(take_along(label.substr(0, slash), label.substr(slash + 1), kind, id));
      }
    }
    // Once for each, however much of what it names is gone: a device may be bound to all points of a channel.
    for (const auto& [kind, id] : bound_) JL_CHECK(unbind(kind, id));
    return std::move(out_);
  }

 private:
  // Whether any kind refers to this one in a way that does not hold it.
  static bool has_bonds(const std::string& kind) {
    for (const model::Kind& other : model::kinds()) {
      if (refers(*other.spec, kind)) return true;
    }
    return false;
  }
  static bool refers(const model::Table& table, const std::string& kind) {
    return std::ranges::any_of(table.fields, [&](const model::Field& field) {
      return (field.refers_to == kind && field.bond != Bond::holds) ||
             (field.type == model::Type::list && field.table && refers(*field.table, kind));
    });
  }

  // What is owned by something that is gone goes as well; all other users are looked at in the end.
  Status take_along(const std::string& user_kind, const std::string& user_id, const std::string& kind,
                    const std::string& id) {
    JL_TRY(const Resource* user, view_.get(user_kind, user_id));
    if (!user) return {};
    const model::Kind* description = model::find_kind(user_kind);
    JL_ASSERT(description);
    const bool is_owned = std::ranges::any_of(description->spec->fields, [&](const model::Field& field) {
      if (field.refers_to != kind || field.bond != Bond::owned) return false;
      const json::value* value = user->spec.if_contains(field.key);
      return value && value->is_string() && value->get_string() == id;
    });
    if (!is_owned) {
      bound_.emplace(user_kind, user_id);
      return {};
    }
    out_.deleted.insert(user->label());
    view_.erase(user_kind, user_id);
    waiting_.emplace_back(user_kind, user_id);
    return {};
  }

  // Takes out of a resource's lists what names something that is gone.
  Status unbind(const std::string& user_kind, const std::string& user_id) {
    JL_TRY(const Resource* user, view_.get(user_kind, user_id));
    if (!user) return {};
    Resource left = *user;
    bool changed = false;
    for (const model::Field& field : model::find_kind(user_kind)->spec->fields) {
      if (field.type != model::Type::list || !field.table) continue;
      json::value* value = left.spec.if_contains(field.key);
      if (!value || !value->is_array() || !unbind(*field.table, value->get_array(), left)) continue;
      changed = true;
      if (value->get_array().empty()) left.spec.erase(field.key);
    }
    if (!changed) return {};
    left.updated_at = now_;
    view_.put(std::move(left));
    return {};
  }

  // Properties that leave a product's thing model are bound no more (operations.md 2.1).
  Status forget_properties(const Resource& before, const Resource& after) {
    const auto model_of = [](const json::object& spec, const char* key) {
      std::vector<Problem> ignored;
      const json::value* metadata = spec.if_contains(key);
      return metadata ? model::parse_thing_model(*metadata, key, ignored) : model::ThingModel();
    };
    const model::ThingModel old = model_of(before.spec, "metadata"), now = model_of(after.spec, "metadata");
    if (now.properties.empty()) return {};  // no model: any property may be
    std::set<std::string, std::less<>> gone;
    for (const auto& [id, property] : old.properties) {
      if (!now.properties.contains(id)) gone.insert(id);
    }
    if (gone.empty()) return {};
    JL_TRY(const auto users, view_.users_of("product", after.id, SIZE_MAX));
    for (const std::string& label : users) {
      if (!label.starts_with("device/")) continue;
      JL_TRY(const Resource* device, view_.get("device", label.substr(label.find('/') + 1)));
      if (!device || !device->spec.contains("bindings")) continue;
      const model::ThingModel own = model_of(device->spec, "deriveMetadata");
      Resource left = *device;
      json::array kept;
      for (const json::value& binding : device->spec.at("bindings").as_array()) {
        const std::string_view property = binding.at("property").as_string();
        if (!gone.contains(property) || own.properties.contains(std::string(property))) {
          kept.push_back(binding);
          continue;
        }
        json::object lost{{"resource", label}};
        for (const auto& [key, value] : binding.as_object()) lost[key] = value;
        out_.unbound.push_back(std::move(lost));
      }
      if (kept.size() == device->spec.at("bindings").as_array().size()) continue;
      left.spec.erase("bindings");
      if (!kept.empty()) left.spec["bindings"] = std::move(kept);
      left.updated_at = now_;
      view_.put(std::move(left));
    }
    return {};
  }

  bool unbind(const model::Table& table, json::array& entries, const Resource& user) {
    const auto names_it = [&](const json::value& entry) {
      return std::ranges::any_of(table.fields, [&](const model::Field& field) {
        if (field.bond != Bond::unbinds || !entry.is_object()) return false;
        const auto gone = gone_.find(field.refers_to);
        const json::value* value = entry.get_object().if_contains(field.key);
        return gone != gone_.end() && value && value->is_string() &&
               gone->second.contains(std::string_view(value->get_string()));
      });
    };
    json::array kept;
    for (json::value& entry : entries) {
      if (!names_it(entry)) {
        kept.push_back(std::move(entry));
        continue;
      }
      json::object gone{{"resource", user.label()}};
      for (const auto& [key, value] : entry.get_object()) gone[key] = value;
      out_.unbound.push_back(std::move(gone));
    }
    const bool changed = kept.size() != entries.size();
    entries = std::move(kept);
    return changed;
  }

  View& view_;
  const Millis now_;
  Aftermath out_;
  std::deque<std::pair<std::string, std::string>> waiting_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> gone_;  // ids by kind
  std::set<std::pair<std::string, std::string>> bound_;                          // kind and id of who names them
};

}  // namespace

void Aftermath::add_to(json::object& body) const {
  if (!deleted.empty()) body["alsoDeleted"] = json::value_from(deleted);
  if (!unbound.empty()) body["unbound"] = unbound;
}

Result<Aftermath> follow_bonds(View& view, Millis now) { return Follower(view, now).run(); }

}  // namespace jl::services
