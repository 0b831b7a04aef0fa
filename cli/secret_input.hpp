#pragma once
// Ways in for secrets: a file, standard input, a descriptor, a systemd credential, or typing without echo. Never a
// flag's value, which every user of the machine could read.
#include "cli/console.hpp"
#include "cli/environment.hpp"
#include "cli/flags.hpp"
#include "common/base/result.hpp"
#include "common/base/secret.hpp"

#include <string>

namespace jl::cli {

class SecretInput {
 public:
  SecretInput(const Environment& env, Console& console, bool may_ask)
      : env_(env), console_(console), may_ask_(may_ask) {}

  /// Reads the secret that a flag names: `source` is a path, a descriptor's number or a credential's name by `use`;
  /// `what` is asked for by name; a path of "-" is standard input. At most 64 KiB; one newline at its end is cut.
  /// Errors: usage.
  [[nodiscard]] Result<Secret> read(FlagUse use, const std::string& source, const std::string& what);
  /// The same for what is kept in files: to the byte, at most `most` bytes. Files that are no secret may be read by
  /// all.
  [[nodiscard]] Result<Secret> read_content(FlagUse use, const std::string& source, const std::string& what,
                                            std::size_t most);
  /// Standard input is for somebody else now. Errors: usage (it has been read already).
  [[nodiscard]] Status take_stdin(const std::string& what);
  /// Asks for it on the terminal. Errors: unconfirmed when there is none.
  [[nodiscard]] Result<Secret> ask(const std::string& what);

 private:
  Result<std::string> content(FlagUse use, const std::string& source, const std::string& what, std::size_t most);
  Result<std::string> from_file(const std::string& path, std::size_t most, bool is_secret);
  Result<std::string> from_stdin(const std::string& what, std::size_t most);

  const Environment& env_;
  Console& console_;
  bool may_ask_;
  bool stdin_used_ = false;
};

}  // namespace jl::cli
