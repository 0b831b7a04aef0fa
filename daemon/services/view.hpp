#pragma once
// The resources as they will be if a set of changes commits: the store's newest state with the changes laid over it.
// Every rule reads through it, so a rule sees the whole of an apply at once.
#include "daemon/runtime/runtime.hpp"

#include <map>
#include <set>

namespace jl::services {

using model::Resource;

class View {
 public:
  explicit View(const store::Store& store) : store_(store), snapshot_(store.snapshot()) {}

  /// The resource as it will be; nullptr when there is none.
  [[nodiscard]] Result<const Resource*> get(std::string_view kind, std::string_view id);
  /// The resource as it is in the store.
  [[nodiscard]] Result<const Resource*> before(std::string_view kind, std::string_view id);
  void put(Resource resource);
  void erase(std::string_view kind, std::string_view id);

  /// Labels ("gateway/gw-1") of resources that will refer to this one, at most `limit`.
  [[nodiscard]] Result<std::vector<std::string>> users_of(std::string_view kind, std::string_view id,
                                                          std::size_t limit);
  /// How many refer to it, counted up to `limit`.
  [[nodiscard]] Result<std::size_t> count_users(std::string_view kind, std::string_view id, std::string_view by_kind,
                                                std::size_t limit);
  /// Visits every resource of a kind as it will be.
  Status for_each(std::string_view kind, const std::function<void(const Resource&)>& visit);

  /// What changed, in kind order then id; resources put back as they were do not count.
  [[nodiscard]] std::vector<runtime::ResourceChange> changes() const;
  /// The transaction of these changes: resources, reverse references, records of deleted devices.
  [[nodiscard]] store::Transaction transaction() const;
  [[nodiscard]] const store::Snapshot& snapshot() const { return *snapshot_; }

 private:
  struct Slot {
    std::optional<Resource> before, after;
    bool touched = false;
  };
  using Key = std::pair<std::string, std::string>;
  Result<Slot*> slot(std::string_view kind, std::string_view id);
  void index_after(const Key& key, const Slot& slot, bool add);

  const store::Store& store_;
  std::unique_ptr<store::Snapshot> snapshot_;
  std::map<Key, Slot> slots_;
  std::map<Key, std::set<Key>> added_;  // referred -> those that refer to it, among touched resources
};

}  // namespace jl::services
