#pragma once
// A file that appears whole or not at all, readable by its owner only.
#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace jl::cli {

class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".part") {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  /// Removes what finish() has not made a file of.
  ~NewFile();

  /// Opens PATH.part for writing, 0600. Errors: output.
  [[nodiscard]] Status open();
  /// Puts it in the place of PATH, on the disk. Errors: output.
  [[nodiscard]] Status finish();

  [[nodiscard]] int fd() const { return fd_; }
  /// The error of a system call that has just failed (errno).
  [[nodiscard]] Error failure() const;

 private:
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

/// Writes a text as such a file. Errors: output.
[[nodiscard]] Status write_new_file(const std::string& path, std::string_view text);

}  // namespace jl::cli
