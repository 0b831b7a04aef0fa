#include "cli/args.hpp"

#include "common/base/words.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

Error unknown_noun(const std::string& word) {
  Words candidates = nouns();
  for (auto& verb : verbs_of("", true)) candidates.push_back(std::move(verb));
  std::string hint = "see \"jlctl help\"";
  if (const std::string nearest = nearest_word(word, candidates); !nearest.empty()) {
    hint = "did you mean \"" + nearest + "\"?";
  } else {
    for (const std::string& noun : nouns()) {
      if (!control::find_command(noun, word) || noun == "cert") continue;
      hint = "the noun comes first: jlctl " + noun + " " + word;
      break;
    }
  }
  return {Errc::usage, "unknown command \"" + word + "\"", std::move(hint)};
}

Error unknown_verb(const std::string& noun, const std::string& word) {
  Words candidates = verbs_of(noun, true);
  for (std::string& below : nouns_below(noun)) candidates.push_back(std::move(below));
  const std::string nearest = nearest_word(word, candidates);
  return {
      Errc::usage, "\"" + noun + "\" has no verb \"" + word + "\"",
      nearest.empty() ? "verbs are " + join(verbs_of(noun)) : "did you mean \"jlctl " + noun + " " + nearest + "\"?"};
}

// A flag word: how many words it takes with its value. 0 when it is none of the global flags.
std::size_t length_of_global(const std::vector<FlagInfo>& globals, const std::string& word) {
  if (word.starts_with("--")) {
    const std::size_t equals = word.find('=');
    const FlagInfo* flag =
        find_flag(globals, std::string_view(word).substr(2, equals == std::string::npos ? equals : equals - 2));
    if (!flag) return 0;
    return flag->takes_value() && equals == std::string::npos ? 2 : 1;
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    const auto flag = std::ranges::find(globals, word[i], &FlagInfo::short_name);
    if (flag == globals.end()) return 0;
    if (flag->takes_value()) return i + 1 == word.size() ? 2 : 1;
  }
  return 1;
}

}  // namespace

Words nouns() {
  Words out;
  for (const control::Command& c : control::commands()) {
    if (!c.noun.empty() && c.is_verb() && std::ranges::find(out, c.noun) == out.end()) out.push_back(c.noun);
  }
  return out;
}

Words nouns_below(std::string_view noun) {
  Words out;
  const std::string head = std::string(noun) + " ";
  for (const std::string& other : nouns()) {
    if (other.starts_with(head)) out.push_back(other.substr(head.size()));
  }
  return out;
}

std::string noun_named(const std::string& word) {
  if (!verbs_of(word).empty() || !nouns_below(word).empty()) return word;
  const model::Kind* kind = model::find_kind(word);
  return kind && kind->name == word ? kind->noun() : std::string();
}

Words verbs_of(std::string_view noun, bool with_aliases) {
  Words out;
  for (const control::Command& c : control::commands()) {
    if (c.noun != noun || !c.is_verb()) continue;
    out.push_back(c.verb);
    if (with_aliases) out.insert(out.end(), c.aliases.begin(), c.aliases.end());
  }
  return out;
}

Result<Target> locate(std::span<const std::string> words) {
  Target target;
  const std::vector<FlagInfo> globals = global_flag_infos();
  std::size_t i = 0;
  for (; i < words.size() && !target.command; ++i) {
    const std::string& word = words[i];
    if (word == "--") return Error(Errc::usage, "\"--\" before a command", "see \"jlctl help\"");
    if (word.size() > 1 && word.front() == '-') {
      const std::size_t length = length_of_global(globals, word);
      if (length == 0) {
        std::vector<std::string> names;
        for (const FlagInfo& flag : globals) names.push_back("--" + flag.name);
        const std::string nearest = nearest_word(word.substr(0, word.find('=')), names);
        return Error(Errc::usage, "unknown flag \"" + word + "\" before the command",
                     nearest.empty() ? "flags of a verb come after it" : "did you mean \"" + nearest + "\"?");
      }
      if (word == "-h" || word == "--help") target.wants_help = true;
      target.rest.push_back(word);
      if (length == 2 && i + 1 < words.size()) target.rest.push_back(words[++i]);
      continue;
    }
    if (target.noun.empty()) {
      target.command = control::find_command("", word);
      if (!target.command) target.noun = noun_named(word);
      if (!target.command && target.noun.empty()) return unknown_noun(word);
    } else if (!verbs_of(target.noun + " " + word).empty()) {
      target.noun += " " + word;
    } else {
      target.command = control::find_command(target.noun, word);
      if (!target.command) return unknown_verb(target.noun, word);
    }
  }
  for (bool flags = true; i < words.size(); ++i) {
    if (words[i] == "--") flags = false;
    if (flags && (words[i] == "-h" || words[i] == "--help")) target.wants_help = true;
    target.rest.push_back(words[i]);
  }
  return target;
}

bool Invocation::has(std::string_view flag) const {
  return std::ranges::any_of(given_, [&](const auto& item) { return item.first->name == flag; });
}

Words Invocation::values(std::string_view flag) const {
  for (const auto& [info, values] : given_) {
    if (info->name == flag) return values;
  }
  return {};
}

std::optional<std::string> Invocation::value(std::string_view flag) const {
  const Words all = values(flag);
  return all.empty() ? std::nullopt : std::optional<std::string>(all.front());
}

std::string Invocation::object() const {
  if (!command_->kind || words_.empty() || command_->arguments.empty()) return {};
  const control::Argument& first = command_->arguments[0];
  if (first.name != "ID" && first.completes != command_->kind->name) return {};
  if (command_->arguments[0].repeated && words_.size() > 1) return {};
  return command_->kind->name + "/" + words_.front();
}

std::string usage_line(const control::Command& command) {
  std::string out = "jlctl " + command.label();
  for (const control::Argument& argument : command.arguments) {
    const std::string name = argument.name + (argument.repeated ? "..." : "");
    out += argument.optional ? " [" + name + "]" : " " + name;
  }
  return out + " [flags]";
}

std::optional<std::string> legal_word(const FlagInfo& flag, std::string_view given) {
  for (const std::string& word : flag.words) {
    if (iequals(word, given)) return word;
    if (word.ends_with('=') && given.starts_with(word)) return std::string(given);
  }
  const model::Field* field = flag.field;
  if (!field && flag.flag && flag.use == FlagUse::command && !flag.words.empty()) {
    // A filter of list: its words are those of a field, which has friendlier spellings too.
    for (const model::Kind& kind : model::kinds()) {
      const model::Field* candidate = kind.spec->find(flag.flag->key);
      if (candidate && model::words_of(*candidate) == flag.words) field = candidate;
    }
  }
  if (!field) return std::nullopt;
  for (const model::Word& word : field->words) {
    if (std::ranges::any_of(word.aliases, [&](const std::string& alias) { return iequals(alias, given); }))
      return word.word;
  }
  return std::nullopt;
}

}  // namespace jl::cli
