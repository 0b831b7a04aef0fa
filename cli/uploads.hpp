#pragma once
// Files that fields of documents stand for: uploaded to the daemon, or only looked at where nothing is to change.
#include "cli/context.hpp"
#include "common/control/sign.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>

namespace jl::cli {

enum class FileUse : std::uint8_t {
  check,   ///< it can be read: what `validate` knows
  hash,    ///< its id, without the daemon: what plans compare
  upload,  ///< the daemon has it after this
};

/// The digest that a file must have.
using GivenSign = std::optional<control::Sign>;

/// What the fields beside one for an uploaded file say its digest is; none where it is "auto", or its purpose knows no
/// sign. A patch may leave the method out. Errors: invalid (it is no digest).
[[nodiscard]] Result<GivenSign> sign_beside(const model::Field& field, const json::object& fields, bool is_patch);

/// Whether a file begins with what no text has.
[[nodiscard]] bool is_binary_file(const std::string& path);

class Uploads {
 public:
  Uploads(Context& context, FileUse use) : context_(context), use_(use) {}

  /// The id of a file's content; each path is read once. Errors: usage (cannot be read), too_large, sign_mismatch,
  /// those of the daemon.
  [[nodiscard]] Result<std::string> take(const model::Field& field, const std::string& path,
                                         const GivenSign& sign = {});
  /// The same for what an open descriptor gives, which is read to its end.
  [[nodiscard]] Result<std::string> take_from(const model::Field& field, int fd, const std::string& name,
                                              const GivenSign& sign = {});

 private:
  struct Source {
    int fd;
    const std::string& name;
    std::uint64_t most;  ///< bytes that its purpose allows
    std::uint64_t size;  ///< 0 = not known
  };
  [[nodiscard]] Result<std::string> hash(const Source& source) const;
  [[nodiscard]] Result<std::string> upload(const model::Field& field, const Source& source,
                                           const GivenSign& sign) const;

  Context& context_;
  const FileUse use_;
  std::map<std::array<std::string, 3>, std::string> taken_;  // purpose, path, sign -> id
};

}  // namespace jl::cli
