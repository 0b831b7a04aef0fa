#pragma once
// A listening Unix socket in the file system: made so that there is no moment in which the wrong people can connect or
// in which an old daemon's path is gone and the new one not yet there.
#include "common/base/result.hpp"

#include <sys/types.h>
#include <string>

namespace jl::control {

class SocketFile {
 public:
  /// Listens at `path`, mode 0660, group as named (name or number; "" = leave). A socket that nobody serves any more is
  /// replaced. Errors: conflict (somebody serves it), invalid (path too long or not a socket, no such group), denied,
  /// storage.
  [[nodiscard]] static Result<SocketFile> listen(const std::string& path, const std::string& group);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  /// Closes and removes what is still its own.
  ~SocketFile();

  /// The listening descriptor, non-blocking; the caller closes it.
  [[nodiscard]] int release_fd();
  /// Removes the file if it is still the one that listen() made.
  void remove();

 private:
  SocketFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool is_placed_ = false;
};

}  // namespace jl::control
