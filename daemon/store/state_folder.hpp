#pragma once
// The state folder: made private, and held by one daemon at a time.
#include "common/base/result.hpp"

#include <string>

namespace jl::store {

/// Makes the folder (0700) and its parents when missing; takes away access for group and others when we own it.
/// Errors: denied (owned by someone else), storage (cannot be made, is not a folder).
[[nodiscard]] Status prepare_folder(const std::string& folder);

/// Writes a folder's entries to the disk, so that a new or renamed file in it survives power loss.
[[nodiscard]] Status sync_folder(const std::string& folder);

/// Holds `LOCK.jlinkd` in the folder, with our process id as text, until it is destroyed or the process ends.
class FolderLock {
 public:
  /// Errors: conflict (names the process that holds it), storage.
  [[nodiscard]] static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  void release() noexcept;
  int fd_ = -1;
};

}  // namespace jl::store
