#include "daemon/store/commit_writer.hpp"

#include "common/base/assert.hpp"

namespace jl::store {
namespace {
bool is_own(Family family, std::string_view key) {
  return family == Family::meta && (key == kSchemaKey || key == kRevisionKey);
}

rocksdb::Status add_put(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* handle, std::string_view key,
                        std::initializer_list<rocksdb::Slice> value) {
  const auto name = slice(key);
  return batch.Put(handle, rocksdb::SliceParts(&name, 1),
                   rocksdb::SliceParts(value.begin(), static_cast<int>(value.size())));
}
}  // namespace

Status CommitWriter::write() {
  for (const auto& op : transaction_.ops()) JL_CHECK(add(op));
  const auto status = batch_.Put(db_.handle(Family::meta), slice(kRevisionKey), encode_u64(revision_));
  if (!status.ok()) return db_.error(status, "write to");
  return db_.write(batch_, SpaceGuard::Use::change);
}

Status CommitWriter::add(const Transaction::Op& op) {
  if (op.kind == Transaction::Op::Kind::erase_range) return add_range(op);
  JL_ASSERT(!is_own(op.family, op.key));
  if (op.kind == Transaction::Op::Kind::erase) return erase(op);
  return put(op);
}

Status CommitWriter::put(const Transaction::Op& op) {
  rocksdb::Status status;
  if (op.family == Family::resources) {
    const std::string revision = encode_u64(revision_);
    status = add_put(batch_, db_.handle(op.family), op.key, {slice(revision), slice(op.value)});
    changes_.push_back({op.key, op.value});
    touched_[op.key] = true;
  } else {
    status = batch_.Put(db_.handle(op.family), slice(op.key), slice(op.value));
  }
  if (!status.ok()) return db_.error(status, "write to");
  return {};
}

Status CommitWriter::erase(const Transaction::Op& op) {
  if (op.family == Family::resources) {
    const auto known = touched_.find(op.key);
    bool exists = known != touched_.end() && known->second;
    if (known == touched_.end()) {
      JL_TRY(const auto entry, db_.get({}, op.family, op.key));
      exists = entry.has_value();
    }
    if (exists) note_erased(op.key);
  }
  const auto status = batch_.Delete(db_.handle(op.family), slice(op.key));
  if (!status.ok()) return db_.error(status, "write to");
  return {};
}

Status CommitWriter::add_range(const Transaction::Op& op) {
  JL_ASSERT(op.family != Family::meta);
  std::string to = op.value;
  if (to.empty()) {
    std::string_view last;
    for (const auto& other : transaction_.ops()) {
      if (other.kind == Transaction::Op::Kind::put && other.family == op.family && other.key > last) last = other.key;
    }
    JL_TRY(to, db_.end_of(op.family, last));
  }
  if (op.key >= to) return {};
  if (op.family == Family::resources) {
    std::set<std::string> erased;
    JL_CHECK(db_.scan({}, op.family, op.key, to, false, [&](std::string_view key, std::string_view, Revision) {
      erased.emplace(key);
      return true;
    }));
    for (auto it = touched_.lower_bound(op.key); it != touched_.end() && it->first < to; ++it) {
      if (it->second) {
        erased.insert(it->first);
      } else {
        erased.erase(it->first);
      }
    }
    for (const auto& key : erased) note_erased(key);
  }
  const auto status = batch_.DeleteRange(db_.handle(op.family), slice(op.key), slice(to));
  if (!status.ok()) return db_.error(status, "write to");
  return {};
}

void CommitWriter::note_erased(const std::string& key) {
  changes_.push_back({key, std::nullopt});
  touched_[key] = false;
}

}  // namespace jl::store
