#pragma once
// How RocksDB is set up for a small gateway: bounded memory, few files, few threads, a small info log.
#include "daemon/store/store.hpp"

#include <rocksdb/db.h>
#include <vector>

namespace jl::store {

[[nodiscard]] rocksdb::DBOptions database_options();
/// One descriptor per Family in enum order, then RocksDB's obligatory "default", which stays empty.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(std::uint64_t cache_bytes);

}  // namespace jl::store
