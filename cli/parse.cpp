// The flags of one command through CLI11. Only this file sees it: its messages hide the word at fault and its exit
// codes are not ours, so every error is told here in our own words.
#include "cli/args.hpp"
#include "common/base/time.hpp"
#include "common/base/words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace jl::cli {
namespace {

Error usage(const control::Command& command, std::string message, std::string hint = {}) {
  if (hint.empty()) hint = "usage: " + usage_line(command);
  return {Errc::usage, std::move(message), std::move(hint)};
}

Error unknown_flag(const control::Command& command, const std::vector<FlagInfo>& flags, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  Words names;
  for (const FlagInfo& flag : flags) names.push_back("--" + flag.name);
  const std::string nearest = nearest_word(name, names);
  return usage(command, "\"" + command.label() + "\" has no flag \"" + name + "\"",
               nearest.empty() ? "see \"jlctl " + command.label() + " --help\"" : "did you mean \"" + nearest + "\"?");
}

// CLI11 takes the next word for the value of "--name=" and a value for that of a flag that has none; so "=" is handled
// before it.
Result<Words> split_equals(const control::Command& command, const std::vector<FlagInfo>& flags, const Words& words) {
  Words out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      return out;
    }
    const std::size_t equals = word.find('=');
    if (!word.starts_with("--") || equals == std::string::npos) {
      out.push_back(word);
      // The value of a flag may look like anything, another flag too.
      const FlagInfo* flag = word.starts_with("--") ? find_flag(flags, std::string_view(word).substr(2)) : nullptr;
      if (flag && flag->takes_value() && i + 1 < words.size()) out.push_back(words[++i]);
      continue;
    }
    const FlagInfo* flag = find_flag(flags, std::string_view(word).substr(2, equals - 2));
    if (!flag) return unknown_flag(command, flags, word);
    if (!flag->takes_value()) return usage(command, "--" + flag->name + " takes no value");
    out.push_back("--" + flag->name);
    out.push_back(word.substr(equals + 1));
  }
  return out;
}

// CLI11 takes "[1,2]" for two words; with a mark before it, it is one.
constexpr char kMark = '\x01';

void mark_lists(Words& words) {
  for (std::string& word : words) {
    if (!word.empty() && (word.front() == '[' || word.front() == kMark)) word.insert(word.begin(), kMark);
  }
}

void unmark_lists(Words& words) {
  for (std::string& word : words) {
    if (!word.empty() && word.front() == kMark) word.erase(0, 1);
  }
}

bool is_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size();
}

// Checks the value of a flag of the command table, and brings a word into its own spelling.
Status check_value(const control::Command& command, const FlagInfo& flag, std::string& value) {
  const auto wrong = [&](const std::string& what) {
    return usage(command, "--" + flag.name + ": \"" + value + "\" " + what);
  };
  if (!flag.words.empty()) {
    const auto word = legal_word(flag, value);
    if (!word) {
      const std::string nearest = nearest_word(value, flag.words);
      return usage(command, "--" + flag.name + ": \"" + value + "\" is none of " + join(flag.words),
                   nearest.empty() ? "" : "did you mean \"" + nearest + "\"?");
    }
    value = *word;
    return {};
  }
  if (flag.use != FlagUse::command && flag.use != FlagUse::global) return {};
  if (flag.value == "N" && !is_number(value)) return wrong("is not a number");
  if (flag.value == "DURATION" && !parse_duration(value)) return wrong("is not a duration such as 30s, 5m or 1h30m");
  if (flag.value == "TIME" && !parse_time(value) && !parse_duration(value)) {
    return wrong("is neither a time such as 2026-01-31T12:00:00Z nor a duration back from now such as 1h");
  }
  return {};
}

Status check_words(const control::Command& command, const Words& words) {
  std::size_t least = 0;
  bool unlimited = false;
  for (const control::Argument& argument : command.arguments) {
    if (!argument.optional) ++least;
    unlimited = unlimited || argument.repeated;
  }
  if (words.size() < least) {
    return usage(command, "\"" + command.label() + "\" needs " + command.arguments[words.size()].name);
  }
  if (!unlimited && words.size() > command.arguments.size()) {
    return usage(command, "unexpected word \"" + words[command.arguments.size()] + "\"");
  }
  return {};
}

}  // namespace

Result<Invocation> parse(const control::Command& command, const Words& words) {
  Invocation out(command, flags_of(command));
  JL_TRY(Words args, split_equals(command, out.flags_, words));
  const std::string last = args.empty() ? std::string() : args.back();
  try {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::vector<CLI::Option*> options;
    options.reserve(out.flags_.size());
    for (const FlagInfo& flag : out.flags_) {
      const std::string names = (flag.short_name ? "-" + std::string(1, flag.short_name) + "," : "") + "--" + flag.name;
      CLI::Option* option = flag.takes_value() ? app.add_option(names)->expected(1) : app.add_flag(names);
      options.push_back(option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
    }
    CLI::Option* positional =
        app.add_option("words")->expected(-1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    mark_lists(args);
    std::ranges::reverse(args);
    app.parse(args);

    for (const std::string& extra : app.remaining()) {
      if (extra != "--") return unknown_flag(command, out.flags_, extra);
    }
    out.words_ = positional->results();
    unmark_lists(out.words_);
    for (std::size_t i = 0; i < options.size(); ++i) {
      const FlagInfo& flag = out.flags_[i];
      if (options[i]->count() == 0) continue;
      Words values = flag.takes_value() ? options[i]->results() : Words();
      unmark_lists(values);
      if (values.size() > 1 && !flag.repeated) return usage(command, "--" + flag.name + " is given twice");
      for (std::string& value : values) JL_CHECK(check_value(command, flag, value));
      out.given_.emplace_back(&flag, std::move(values));
    }
  } catch (const CLI::Error&) {
    // With extras allowed and no validators, only a missing value is left to complain about.
    return usage(command, last.starts_with('-') ? "\"" + last + "\" needs a value" : "the command line cannot be read");
  }
  for (std::size_t i = 0; i < out.words_.size() && !command.arguments.empty(); ++i) {
    // What -o name prints is an id as well.
    const control::Argument& argument = command.arguments[std::min(i, command.arguments.size() - 1)];
    const model::Kind* kind = argument.name == "ID" ? command.kind : model::find_kind(argument.completes);
    std::string& word = out.words_[i];
    if (kind && word.starts_with(kind->name + "/")) word.erase(0, kind->name.size() + 1);
  }
  JL_CHECK(check_words(command, out.words_));
  return out;
}

}  // namespace jl::cli
