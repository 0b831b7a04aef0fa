#pragma once
// Files that the daemon keeps (protocol packages, firmware), named by the SHA-256 of what they hold: written under a
// temporary name, synced, renamed. The same content is kept once. The MD5 of those that somebody wanted it of stands in
// a small file beside. Any thread.
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
  std::string md5{};     ///< in lower-case hex; "" = not known: nobody asked for it when the content came in
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
    /// What was written, before it is kept: for callers who compare it with what they were told, and then finish() or
    /// let go. Nothing can be written after this. Errors: those of write(), failed.
    [[nodiscard]] virtual Result<StoredFile> measure() = 0;
    /// Syncs and names it. Once. Errors: storage.
    [[nodiscard]] virtual Result<StoredFile> finish() = 0;
  };
  /// `with_md5`: it is worked out in the same pass and kept, also for content that is there already. Errors: storage,
  /// busy (too many at once).
  [[nodiscard]] virtual Result<std::unique_ptr<Incoming>> begin(std::uint64_t max_size, bool with_md5 = false) = 0;
  /// Reads no content: size from the file system, MD5 from beside it.
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
