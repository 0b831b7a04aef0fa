#pragma once
// Files that fields of documents stand for: uploaded to the daemon, or only looked at where nothing is to change.
#include "cli/client.hpp"
#include "cli/context.hpp"

#include <map>
#include <string>

namespace jl::cli {

enum class FileUse : std::uint8_t {
  check,   ///< it can be read: what `validate` knows
  hash,    ///< its id, without the daemon: what plans compare
  upload,  ///< the daemon has it after this
};

/// A file to send on its own, not for a field of a document.
struct FileToSend {
  std::string purpose;                ///< of control::kUploadPurposes
  std::string path;                   ///< "-" = standard input
  std::string sign_method{}, sign{};  ///< what its digest must be; "" = not compared
};
/// Sends it, with a progress line on a terminal; memory does not grow with it. Errors: usage (cannot be read, is empty,
/// changed meanwhile), too_large, sign_mismatch and others of the daemon.
[[nodiscard]] Result<UploadedFile> send_file(Context& context, const FileToSend& file);

class Uploads {
 public:
  Uploads(Context& context, FileUse use) : context_(context), use_(use) {}

  /// The id of a file's content; each path is read once. Errors: usage (cannot be read), too_large, those of the
  /// daemon.
  [[nodiscard]] Result<std::string> take(const model::Field& field, const std::string& path);
  /// The same for what an open descriptor gives, which is read to its end.
  [[nodiscard]] Result<std::string> take_from(const model::Field& field, int fd, const std::string& name);

 private:
  Context& context_;
  const FileUse use_;
  std::map<std::pair<std::string, std::string>, std::string> taken_;  // purpose, path -> id
};

}  // namespace jl::cli
