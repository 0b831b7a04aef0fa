#pragma once
// Help out of the tables: examples first, then what there is.
#include "cli/flags.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::cli {

/// A few lines for somebody who typed no command.
[[nodiscard]] std::string short_usage();
[[nodiscard]] std::string noun_usage(std::string_view noun);

[[nodiscard]] std::string general_help(bool colour);
[[nodiscard]] std::string noun_help(std::string_view noun, bool colour);
/// Whether a command needs no role.
[[nodiscard]] bool is_for_anybody(const control::Command& command);
[[nodiscard]] std::string command_help(const control::Command& command, bool colour);
/// `jlctl help errors` and `jlctl help exit-codes`.
[[nodiscard]] std::string errors_help(bool colour);
[[nodiscard]] std::string exit_codes_help(bool colour);

/// The whole command tree with flags, errors and exit codes.
[[nodiscard]] boost::json::object help_tree();

/// "-o, --output FORMAT".
[[nodiscard]] std::string flag_label(const FlagInfo& flag);
/// The help of a flag with its legal words and when it applies.
[[nodiscard]] std::string flag_text(const FlagInfo& flag);
/// What a noun is, in one line.
[[nodiscard]] std::string noun_summary(std::string_view noun);
/// Its manual page: "jlctl-modbus-channel".
[[nodiscard]] std::string manual_page(std::string_view noun);

/// Breaks a text into lines of at most `width` columns, each after `indent` spaces but the first.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace jl::cli
