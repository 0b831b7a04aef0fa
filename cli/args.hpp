#pragma once
// Command lines: which command is meant, and what was given to it. Knows the tables, not the daemon.
#include "cli/flags.hpp"
#include "common/base/result.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::cli {

using Words = std::vector<std::string>;

/// What the words before the flags point at.
struct Target {
  std::string noun{};                         ///< "" for top-level verbs, or when nothing was named
  const control::Command* command = nullptr;  ///< nullptr when no verb was named
  Words rest{};                               ///< the words without noun and verb
  bool wants_help = false;                    ///< -h or --help stands somewhere
};

/// Finds noun and verb; global flags may stand before and between them. Errors: usage, with the nearest match.
[[nodiscard]] Result<Target> locate(std::span<const std::string> words);

/// A command with everything that was given to it.
class Invocation {
 public:
  Invocation(const control::Command& command, std::vector<FlagInfo> flags)
      : command_(&command), flags_(std::move(flags)) {}
  // given_ points into flags_, which a move keeps in place and a copy would not.
  Invocation(Invocation&&) = default;
  Invocation& operator=(Invocation&&) = default;

  [[nodiscard]] const control::Command& command() const { return *command_; }
  [[nodiscard]] const std::vector<FlagInfo>& flags() const { return flags_; }
  /// Positional words.
  [[nodiscard]] const Words& words() const { return words_; }
  [[nodiscard]] bool has(std::string_view flag) const;
  [[nodiscard]] std::optional<std::string> value(std::string_view flag) const;
  [[nodiscard]] Words values(std::string_view flag) const;
  /// Every flag with its values, in the order of the table.
  [[nodiscard]] const std::vector<std::pair<const FlagInfo*, Words>>& given() const { return given_; }
  /// "network/mqtt-1" when the command is about one object, else "".
  [[nodiscard]] std::string object() const;

 private:
  friend Result<Invocation> parse(const control::Command& command, const Words& words);
  const control::Command* command_;
  std::vector<FlagInfo> flags_;
  std::vector<std::pair<const FlagInfo*, Words>> given_;
  Words words_;
};

/// Reads the flags and words of one command. Errors: usage.
[[nodiscard]] Result<Invocation> parse(const control::Command& command, const Words& words);

/// "jlctl network add ID [flags]".
[[nodiscard]] std::string usage_line(const control::Command& command);
/// The nouns of the table in its order, each once, without "".
[[nodiscard]] Words nouns();
/// Nouns below another one: "channel" of "modbus", for "modbus channel".
[[nodiscard]] Words nouns_below(std::string_view noun);
/// The noun that a word means: itself, or that of the kind it names, "modbus point" for "modbus-point". "" = none.
[[nodiscard]] std::string noun_named(const std::string& word);
/// The verbs of a noun ("" = top level), in the table's order; with their aliases if wanted.
[[nodiscard]] Words verbs_of(std::string_view noun, bool with_aliases = false);
/// Finds a legal word in any case, by its own spelling or (for fields) an alias; nullopt when there is none.
[[nodiscard]] std::optional<std::string> legal_word(const FlagInfo& flag, std::string_view given);

}  // namespace jl::cli
