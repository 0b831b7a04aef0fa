#include "daemon/services/view.hpp"

#include "common/base/assert.hpp"
#include "daemon/device/records.hpp"

namespace jl::services {
using store::Family;

Result<View::Slot*> View::slot(std::string_view kind, std::string_view id) {
  Key key{kind, id};
  const auto it = slots_.find(key);
  if (it != slots_.end()) return &it->second;
  JL_TRY(const auto entry, snapshot_->get(Family::resources, store::key({kind, id})));
  Slot slot;
  if (entry) {
    JL_TRY(slot.before, model::from_stored(kind, id, entry->value, entry->revision));
    slot.after = slot.before;
  }
  return &slots_.emplace(std::move(key), std::move(slot)).first->second;
}

Result<const Resource*> View::get(std::string_view kind, std::string_view id) {
  JL_TRY(const Slot* found, slot(kind, id));
  return found->after ? &*found->after : nullptr;
}

Result<const Resource*> View::before(std::string_view kind, std::string_view id) {
  JL_TRY(const Slot* found, slot(kind, id));
  return found->before ? &*found->before : nullptr;
}

void View::index_after(const Key& key, const Slot& slot, bool add) {
  if (!slot.after) return;
  for (const auto& use : model::references_of(*slot.after)) {
    auto& users = added_[{use.kind, use.id}];
    if (add) {
      users.insert(key);
    } else {
      users.erase(key);
    }
  }
}

void View::put(Resource resource) {
  const Key key{resource.kind, resource.id};
  auto found = slot(key.first, key.second);
  JL_ASSERT(found);  // callers have read it before
  Slot& s = **found;
  if (s.touched) index_after(key, s, false);
  s.touched = true;
  s.after = std::move(resource);
  index_after(key, s, true);
}

void View::erase(std::string_view kind, std::string_view id) {
  const Key key{kind, id};
  auto found = slot(kind, id);
  JL_ASSERT(found);
  Slot& s = **found;
  if (s.touched) index_after(key, s, false);
  s.touched = true;
  s.after.reset();
}

Result<std::vector<std::string>> View::users_of(std::string_view kind, std::string_view id, std::size_t limit) {
  std::vector<std::string> out;
  if (const auto it = added_.find(Key{kind, id}); it != added_.end()) {
    for (const Key& user : it->second) {
      if (out.size() < limit) out.push_back(user.first + "/" + user.second);
    }
  }
  if (out.size() >= limit) return out;
  const std::string from = store::key({kind, id, ""});
  JL_CHECK(snapshot_->scan(Family::references, from, store::prefix_end(from), false,
                           [&](std::string_view key, std::string_view, store::Revision) {
                             const Key user{store::key_part(key, 2), store::key_part(key, 3)};
                             const auto it = slots_.find(user);
                             if (it == slots_.end() || !it->second.touched)
                               out.push_back(user.first + "/" + user.second);
                             return out.size() < limit;
                           }));
  return out;
}

Result<std::size_t> View::count_users(std::string_view kind, std::string_view id, std::string_view by_kind,
                                      std::size_t limit) {
  std::size_t n = 0;
  if (const auto it = added_.find(Key{kind, id}); it != added_.end()) {
    for (const Key& user : it->second) n += user.first == by_kind ? 1 : 0;
  }
  const std::string from = store::key({kind, id, by_kind, ""});
  JL_CHECK(snapshot_->scan(Family::references, from, store::prefix_end(from), false,
                           [&](std::string_view key, std::string_view, store::Revision) {
                             const auto it = slots_.find(Key{by_kind, store::key_part(key, 3)});
                             if (it == slots_.end() || !it->second.touched) ++n;
                             return n < limit;
                           }));
  return n;
}

Status View::for_each(std::string_view kind, const std::function<void(const Resource&)>& visit) {
  const std::string from = store::key({kind, ""});
  Status failed;
  JL_CHECK(snapshot_->scan(Family::resources, from, store::prefix_end(from), false,
                           [&](std::string_view key, std::string_view value, store::Revision revision) {
                             const std::string_view id = store::key_part(key, 1);
                             const auto it = slots_.find(Key{kind, id});
                             if (it != slots_.end() && it->second.touched) return true;
                             auto resource = model::from_stored(kind, id, value, revision);
                             if (!resource) {
                               failed = resource.error();
                               return false;
                             }
                             visit(*resource);
                             return true;
                           }));
  JL_CHECK(failed);
  for (const auto& [key, slot] : slots_) {
    if (key.first == kind && slot.touched && slot.after) visit(*slot.after);
  }
  return {};
}

std::vector<runtime::ResourceChange> View::changes() const {
  std::vector<runtime::ResourceChange> out;
  for (const model::Kind& kind : model::kinds()) {
    for (auto it = slots_.lower_bound(Key{kind.name, ""}); it != slots_.end() && it->first.first == kind.name; ++it) {
      const Slot& slot = it->second;
      if (!slot.touched || (!slot.before && !slot.after)) continue;
      if (slot.before && slot.after && model::same_content(*slot.before, *slot.after) &&
          slot.before->set == slot.after->set)
        continue;
      out.push_back({slot.before, slot.after});
    }
  }
  return out;
}

store::Transaction View::transaction() const {
  store::Transaction out;
  for (const auto& change : changes()) {
    const Resource& any = change.any();
    const std::string key = store::key({any.kind, any.id});
    out.expect(key, change.before ? change.before->revision : 0);
    std::set<Key> old_refs, new_refs;
    if (change.before) {
      for (auto& use : model::references_of(*change.before)) old_refs.emplace(use.kind, use.id);
    }
    if (change.after) {
      for (auto& use : model::references_of(*change.after)) new_refs.emplace(use.kind, use.id);
      out.put(Family::resources, key, model::to_stored(*change.after));
    } else {
      out.erase(Family::resources, key);
      if (any.kind == "device") {
        const auto* product = any.spec.if_contains("productId");
        device::erase_records(out, product ? std::string_view(product->as_string()) : std::string_view(), any.id);
      } else if (any.kind == "ota-task") {
        const std::string records = ota::record_key(any.id, "");
        out.erase_range(Family::upgrades, records, store::prefix_end(records));
      }
    }
    for (const Key& ref : old_refs) {
      if (!new_refs.contains(ref)) out.erase(Family::references, store::key({ref.first, ref.second, any.kind, any.id}));
    }
    for (const Key& ref : new_refs) {
      if (!old_refs.contains(ref))
        out.put(Family::references, store::key({ref.first, ref.second, any.kind, any.id}), "");
    }
  }
  return out;
}

}  // namespace jl::services
