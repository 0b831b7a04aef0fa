#pragma once
// The store's contract: snapshot reads, atomic commits with preconditions, a change feed in commit order, and an append
// path for time-ordered records. One implementation is embedded (RocksDB); the contract is what etcd offers too
// (txn compare on mod-revision; watch), so that configuration can move there without changing a caller.
#include "common/base/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::store {

/// The column families of architecture.md 5.
enum class Family : std::uint8_t { resources, references, devices, messages, logs, upgrades, sessions, meta, count_ };
[[nodiscard]] std::string_view to_string(Family family);

/// Counts commits that changed anything outside the append path. 0 = none yet. Grows by one per commit.
using Revision = std::uint64_t;

struct Entry {
  std::string value;
  Revision revision = 0;  ///< the commit that last wrote it; only kept for Family::resources, else 0
};

/// Keys are built from parts separated by NUL, which no id contains; they sort part by part.
[[nodiscard]] std::string key(std::initializer_list<std::string_view> parts);
/// The part at `index`, or "" when there are fewer.
[[nodiscard]] std::string_view key_part(std::string_view key, std::size_t index);
/// 8 bytes, big-endian, so that numbers sort; may contain NUL, so it stands last in a key or at a known place.
void append_u64(std::string& key, std::uint64_t value);
[[nodiscard]] std::uint64_t read_u64(std::string_view bytes);

/// A wish list: all of it happens, or none. Preconditions are checked when it commits.
class Transaction {
 public:
  void put(Family family, std::string key, std::string value);
  void erase(Family family, std::string key);
  /// Erases [from, to) of a family.
  void erase_range(Family family, std::string from, std::string to);
  /// Fails the commit with Errc::revision_mismatch unless the resource's revision is this; 0 = it must not exist.
  void expect(std::string key, Revision revision);

  struct Op {
    enum class Kind : std::uint8_t { put, erase, erase_range } kind;
    Family family;
    std::string key;
    std::string value;  ///< put: the value; erase_range: the end key
  };
  struct Expectation {
    std::string key;
    Revision revision;
  };
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }
  [[nodiscard]] const std::vector<Expectation>& expectations() const { return expectations_; }
  [[nodiscard]] bool empty() const { return ops_.empty(); }

 private:
  std::vector<Op> ops_;
  std::vector<Expectation> expectations_;
};

/// One resource that a commit wrote or erased.
struct Change {
  std::string key;
  std::optional<std::string> value;  ///< nullopt: erased
};
struct Commit {
  Revision revision;
  std::vector<Change> changes;  ///< of Family::resources only, in the transaction's order
};

/// Reads one state of everything, however long it lives.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  [[nodiscard]] virtual Result<std::optional<Entry>> get(Family family, std::string_view key) const = 0;
  using Visit = std::function<bool(std::string_view key, std::string_view value, Revision revision)>;
  /// Visits keys of [from, to) in order (or backwards from the last one below `to`) until the visitor says false.
  /// An empty `to` means the end of the family.
  [[nodiscard]] virtual Status scan(Family family, std::string_view from, std::string_view to, bool backwards,
                                    const Visit& visit) const = 0;
  [[nodiscard]] virtual Revision revision() const = 0;
};
/// The smallest key above every key that starts with the prefix; "" when there is none.
[[nodiscard]] std::string prefix_end(std::string_view prefix);

/// Records for the append path: message history, latest values, logs, session states. Reused; clear() keeps capacity.
class AppendBatch {
 public:
  virtual ~AppendBatch() = default;
  virtual void put(Family family, std::string_view key, std::string_view value) = 0;
  virtual void erase(Family family, std::string_view key) = 0;
  virtual void clear() = 0;
  [[nodiscard]] virtual std::size_t count() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual std::unique_ptr<Snapshot> snapshot() const = 0;
  /// One read of the newest state, without a snapshot's cost. Any thread.
  [[nodiscard]] virtual Result<std::optional<Entry>> get(Family family, std::string_view key) const = 0;

  /// Commits atomically and returns the new revision. The change survives kill -9 from here on, and power loss once
  /// sync() has returned. Calls are made from one thread at a time. Watchers run before it returns.
  /// Errors: revision_mismatch, storage.
  [[nodiscard]] virtual Result<Revision> commit(const Transaction& transaction) = 0;
  /// Makes everything committed or appended so far survive power loss. Any thread.
  [[nodiscard]] virtual Status sync() = 0;

  /// Makes an empty batch for the append path.
  [[nodiscard]] virtual std::unique_ptr<AppendBatch> make_batch() const = 0;
  /// Writes a batch atomically; it survives kill -9 when this returns. Any thread, no revision, no watchers.
  [[nodiscard]] virtual Status append(AppendBatch& batch) = 0;
  /// Erases [from, to) of an append-path family, for retention. Any thread.
  [[nodiscard]] virtual Status erase_range(Family family, std::string_view from, std::string_view to) = 0;

  /// Calls back after each commit, in commit order, on the committing thread. The handle ends it.
  using Watcher = std::function<void(const Commit&)>;
  [[nodiscard]] virtual std::shared_ptr<void> watch(Watcher watcher) = 0;
  [[nodiscard]] virtual Revision revision() const = 0;
  /// Bytes on disk, approximately, of one family.
  [[nodiscard]] virtual std::uint64_t approximate_size(Family family) const = 0;
};

/// Opens, or creates, the embedded store in a folder (made 0700 when missing). Takes the folder's lock.
/// Errors: conflict (another daemon holds the lock, named in the message), version_mismatch (a newer schema; nothing is
/// changed), storage, corrupt.
struct OpenOptions {
  std::string folder;
  std::uint64_t cache_bytes = 32u << 20u;
};
[[nodiscard]] Result<std::unique_ptr<Store>> open(const OpenOptions& options);

/// The schema this program writes; `meta/schema` in the store.
inline constexpr std::uint32_t kSchemaVersion = 1;

}  // namespace jl::store
