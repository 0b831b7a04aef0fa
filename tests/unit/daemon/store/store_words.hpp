#pragma once
// Short forms for tests on a Store.
#include "daemon/store/store.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::test {
using store::Family;
using store::Revision;
using store::Store;
using store::Transaction;

/// "key=value@revision", or "none".
inline std::string show(const Result<std::optional<store::Entry>>& read) {
  REQUIRE(read.has_value());
  return *read ? (*read)->value + "@" + std::to_string((*read)->revision) : "none";
}

inline std::vector<std::string> keys(const store::Snapshot& snapshot, Family family, std::string_view from = {},
                                     std::string_view to = {}, bool backwards = false, std::size_t limit = SIZE_MAX) {
  std::vector<std::string> out;
  const auto status = snapshot.scan(family, from, to, backwards, [&](std::string_view key, std::string_view, Revision) {
    out.emplace_back(key);
    return out.size() < limit;
  });
  REQUIRE(status.has_value());
  return out;
}

inline Result<Revision> put(Store& store, Family family, const std::string& key, const std::string& value) {
  Transaction transaction;
  transaction.put(family, key, value);
  return store.commit(transaction);
}

inline Status append(Store& store, Family family, const std::string& key, const std::string& value) {
  const auto batch = store.make_batch();
  batch->put(family, key, value);
  return store.append(*batch);
}
}  // namespace jl::test
