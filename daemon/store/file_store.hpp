#pragma once
// Files that the daemon keeps (protocol packages, later firmware), named by the SHA-256 of what they hold: written
// under a temporary name, synced, renamed. The same content is kept once. Any thread.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace jl::store {

struct StoredFile {
  std::string id;  ///< SHA-256 in lower-case hex
  std::uint64_t size = 0;
  bool existed = false;  ///< of finish(): the same content was there already
};

class FileStore {
 public:
  /// `folder` is made (0700) when missing; what an earlier process left half-written is deleted. Errors: storage.
  [[nodiscard]] static Result<std::unique_ptr<FileStore>> open(const std::string& folder);

  /// A file on its way in; gone without a trace unless finish() succeeds.
  class Incoming {
   public:
    virtual ~Incoming() = default;
    /// Errors: too_large (above the bound), storage (disk full, ...).
    virtual Status write(std::string_view piece) = 0;
    /// Syncs and names it. Once. Errors: storage.
    [[nodiscard]] virtual Result<StoredFile> finish() = 0;
  };
  /// Errors: storage, busy (too many at once).
  [[nodiscard]] virtual Result<std::unique_ptr<Incoming>> begin(std::uint64_t max_size) = 0;
  [[nodiscard]] virtual std::optional<StoredFile> find(std::string_view id) const = 0;
  /// Where the content is, for reading; the file need not exist. `id` must be well-formed.
  [[nodiscard]] virtual std::string path_of(std::string_view id) const = 0;
  /// Deletes files that nobody refers to and that are older than `age`, as the file system tells. Returns how many.
  virtual Result<std::size_t> sweep(const std::set<std::string, std::less<>>& referenced, Millis now, Millis age) = 0;
  virtual ~FileStore() = default;

  /// 64 lower-case hex digits.
  [[nodiscard]] static bool is_id(std::string_view text);
};

}  // namespace jl::store
