#pragma once
// A file that appears whole or not at all: written beside its name, then renamed. One at a time in a process, because a
// signal takes the half-written one away (signals.hpp).
#include "common/base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace jl::cli {

class NewFile {
 public:
  /// `mode` as open(2) takes it: 0600 for what only its owner may read.
  NewFile(std::string path, mode_t mode) : path_(std::move(path)), temporary_(path_ + ".part"), mode_(mode) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  /// Removes what finish() has not made a file of.
  ~NewFile();

  /// Opens PATH.part for writing. Errors: output.
  [[nodiscard]] Status open();
  /// Puts it in the place of PATH, on the disk. Errors: output.
  [[nodiscard]] Status finish();

  [[nodiscard]] int fd() const { return fd_; }
  /// The error of a system call that has just failed (errno).
  [[nodiscard]] Error failure() const;

 private:
  std::string path_;
  std::string temporary_;
  mode_t mode_;
  int fd_ = -1;
};

/// Writes a text as such a file, 0600. Errors: output.
[[nodiscard]] Status write_new_file(const std::string& path, std::string_view text);

}  // namespace jl::cli
