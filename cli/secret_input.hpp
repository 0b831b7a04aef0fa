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
  /// `what` is asked for by name. At most 64 KiB; one newline at its end is cut. Errors: usage.
  [[nodiscard]] Result<Secret> read(FlagUse use, const std::string& source, const std::string& what);
  /// Asks for it on the terminal. Errors: unconfirmed when there is none.
  [[nodiscard]] Result<Secret> ask(const std::string& what);

 private:
  Result<Secret> from_file(const std::string& path);
  Result<Secret> from_descriptor(int fd, const std::string& name);

  const Environment& env_;
  Console& console_;
  bool may_ask_;
  bool stdin_used_ = false;
};

}  // namespace jl::cli
