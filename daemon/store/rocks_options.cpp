#include "daemon/store/rocks_options.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <algorithm>

namespace jl::store {
namespace {
constexpr std::size_t kMiB = 1u << 20u;

// Debian's library has LZ4, other builds may have nothing.
rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  return std::ranges::find(supported, rocksdb::kLZ4Compression) != supported.end() ? rocksdb::kLZ4Compression
                                                                                   : rocksdb::kNoCompression;
}

// Families that grow with the traffic; the others hold what people configured.
bool is_busy(Family family) {
  return family == Family::devices || family == Family::messages || family == Family::logs ||
         family == Family::sessions;
}

// Families read by exact key, often for keys that are not there. Messages and logs are only ever scanned.
bool is_looked_up(Family family) { return family != Family::messages && family != Family::logs; }

rocksdb::ColumnFamilyOptions family_options(Family family, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // Index and filter blocks count against the cache, or memory would grow with the history.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = is_looked_up(family) ? 4096 : 16384;
  table.format_version = 5;
  if (is_looked_up(family)) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = compression();
  options.level_compaction_dynamic_level_bytes = true;
  options.write_buffer_size = is_busy(family) ? 16 * kMiB : 4 * kMiB;
  // One more buffer than the default: appending goes on while one is written out and the next fills.
  options.max_write_buffer_number = is_busy(family) ? 3 : 2;
  options.arena_block_size = is_busy(family) ? kMiB : 64 * 1024;
  options.target_file_size_base = 32 * kMiB;
  options.max_bytes_for_level_base = 64 * kMiB;
  return options;
}
}  // namespace

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;

  // kill -9 leaves the log whole, since every write has reached the page cache before it is answered. Power loss can
  // tear or garble the part that was not synced. Point-in-time recovery stops there: what is left is a prefix of the
  // writes that includes everything synced. Tolerating only a cut tail instead would refuse to start the gateway when
  // the tail is garbled, and skipping bad records would break the order of commits.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.manual_wal_flush = false;
  // A start then needs no space for table files: the gateway comes up on a full disk too.
  options.avoid_flush_during_recovery = true;
  options.allow_concurrent_memtable_write = true;
  // One appender's memtable insert overlaps with the next one's log write.
  options.enable_pipelined_write = true;

  options.db_write_buffer_size = 64 * kMiB;
  // Bounds what a start has to replay. A family that is seldom written would otherwise hold old logs for ever.
  options.max_total_wal_size = 64 * kMiB;
  options.max_open_files = 256;
  options.max_file_opening_threads = 2;
  options.max_background_jobs = 2;
  // Spreads write-back, so that a sync does not have to wait for all that has gathered.
  options.bytes_per_sync = kMiB;
  options.wal_bytes_per_sync = kMiB;

  options.max_manifest_file_size = 8 * kMiB;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(std::uint64_t cache_bytes) {
  // 4 shards: enough for the few threads of a gateway, and each still holds many blocks of a small cache.
  const auto cache = rocksdb::NewLRUCache(static_cast<std::size_t>(cache_bytes), 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> out;
  for (auto at = std::uint8_t{0}; at < static_cast<std::uint8_t>(Family::count_); ++at) {
    const auto family = static_cast<Family>(at);
    out.emplace_back(std::string(to_string(family)), family_options(family, cache));
  }
  out.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(Family::meta, cache));
  return out;
}

}  // namespace jl::store
