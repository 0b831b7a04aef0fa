#include "cli/complete.hpp"

#include "cli/client.hpp"
#include "cli/help.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/sink.hpp"
#include "cli/settings.hpp"

#include <algorithm>
#include <set>

namespace jl::cli {
namespace {

class Completion {
 public:
  Completion(const Words& words, const Environment& env) : env_(env), sink_(env.out) { take(words); }

  void run() {
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) step(words_[i]);
    if (pending_) {
      values_of(*pending_, "");
    } else if (!flags_ended_ && current_.starts_with("--") && current_.find('=') != std::string::npos) {
      const std::string name = current_.substr(2, current_.find('=') - 2);
      const FlagInfo* flag = find_flag(flags_, name);
      if (!flag || !flag->takes_value()) return;
      const std::string head = "--" + name + "=";
      current_.erase(0, head.size());
      values_of(*flag, bash_ ? "" : head);
    } else if (!flags_ended_ && current_.starts_with('-')) {
      flags();
    } else {
      words_here();
    }
  }

 private:
  // bash cuts words at "=": --type = mq. The candidates are then for the part after it.
  void take(const Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const bool joins = words[i] == "=" && !words_.empty() && words_.back().starts_with("--");
      if (!joins) {
        words_.push_back(words[i]);
        continue;
      }
      words_.back() += "=";
      if (i + 1 < words.size()) words_.back() += words[++i];
      bash_ = true;
    }
    if (words_.empty()) words_.emplace_back();
    current_ = words_.back();
    flags_ = global_flag_infos();
  }

  void step(const std::string& word) {
    if (pending_) {
      given_.push_back(pending_->name);
      if (pending_->name == "socket") socket_ = word;
      pending_.reset();
      return;
    }
    if (!flags_ended_ && word == "--") {
      flags_ended_ = true;
    } else if (!flags_ended_ && word.size() > 1 && word.front() == '-') {
      flag_word(word);
    } else if (command_) {
      ++arguments_;
    } else if (noun_.empty()) {
      if (!(command_ = control::find_command("", word))) noun_ = noun_named(word);
      if (!command_ && noun_.empty()) noun_ = word;  // nothing is known of it
    } else if (!verbs_of(noun_ + " " + word).empty()) {
      noun_ += " " + word;
    } else {
      command_ = control::find_command(noun_, word);
    }
    if (command_ && !has_command_flags_) {
      flags_ = flags_of(*command_);
      has_command_flags_ = true;
    }
  }

  void flag_word(const std::string& word) {
    const std::size_t equals = word.find('=');
    const FlagInfo* flag = nullptr;
    if (word.starts_with("--")) {
      flag = find_flag(flags_, word.substr(2, equals == std::string::npos ? equals : equals - 2));
    } else {
      const auto found = std::ranges::find(flags_, word.back(), &FlagInfo::short_name);
      if (found != flags_.end()) flag = &*found;
    }
    if (!flag) return;
    if (flag->takes_value() && equals == std::string::npos) {
      pending_ = *flag;
    } else {
      given_.push_back(flag->name);
      if (flag->name == "socket") socket_ = word.substr(equals + 1);
    }
  }

  void candidate(const std::string& word, std::string_view help, const std::string& head = {}) {
    if (!word.starts_with(current_) || !offered_.insert(word).second) return;
    std::string line = head + word;
    if (!help.empty()) line.append("\t").append(help);
    // A line is a candidate: nothing in it may end it early.
    std::ranges::replace(line, '\n', ' ');
    sink_.write(line + "\n");
  }

  void flags() {
    for (const FlagInfo& flag : flags_) {
      if (!flag.repeated && std::ranges::find(given_, flag.name) != given_.end()) continue;
      candidate("--" + flag.name, flag.help);
    }
  }

  void values_of(const FlagInfo& flag, const std::string& head) {
    for (const std::string& word : flag.words) candidate(word, "", head);
    if (!flag.completes.empty()) ids(flag.completes, head);
  }

  void words_here() {
    if (command_) {
      argument();
    } else if (noun_.empty()) {
      top_nouns();
      verbs("");
    } else {
      for (const std::string& below : nouns_below(noun_)) candidate(below, noun_summary(noun_ + " " + below));
      verbs(noun_);
    }
  }

  void top_nouns() {
    for (const std::string& noun : nouns()) {
      if (noun.find(' ') == std::string::npos) candidate(noun, noun_summary(noun));
    }
  }

  void verbs(const std::string& noun) {
    for (const control::Command& c : control::commands()) {
      if (c.noun == noun && c.is_verb()) candidate(c.verb, c.summary);
    }
  }

  void argument() {
    const auto& arguments = command_->arguments;
    if (arguments.empty() || (arguments_ >= arguments.size() && !arguments.back().repeated)) return;
    const std::string& what = arguments[std::min(arguments_, arguments.size() - 1)].completes;
    if (what == "kind") {
      for (const model::Kind& kind : model::kinds()) candidate(kind.name, kind.summary);
    } else if (what == "shell") {
      for (const char* shell : {"bash", "zsh", "fish"}) candidate(shell, "");
    } else if (what == "verb") {
      for (const std::string& verb : verbs_of("network")) candidate(verb, "");
    } else if (what == "command") {
      help_topics();
    } else if (what == "field") {
      field_paths();
    } else if (what == "object") {
      object();
    } else if (model::find_kind(what)) {
      ids(what, "");
    }
  }

  void help_topics() {
    if (arguments_ == 0) {
      candidate("errors", "every error code");
      candidate("exit-codes", "every exit code");
      top_nouns();
      verbs("");
    } else {
      std::string noun;
      for (std::size_t i = words_.size() - 1 - arguments_; i + 1 < words_.size(); ++i)
        noun += (noun.empty() ? "" : " ") + words_[i];
      for (const std::string& below : nouns_below(noun)) candidate(below, noun_summary(noun + " " + below));
      verbs(noun);
    }
  }

  void table_paths(const model::Table& table, const std::string& prefix) {
    for (const model::Field& field : table.fields) {
      if (field.ignored) continue;
      candidate(prefix + field.key, field.help);
      if (field.type == model::Type::object && field.table) table_paths(*field.table, prefix + field.key + ".");
      for (const model::Variant& variant : field.variants) table_paths(*variant.table, prefix + field.key + ".");
    }
  }

  void field_paths() {
    for (const model::Kind& kind : model::kinds()) {
      candidate(kind.name, kind.summary);
      if (current_.starts_with(kind.name + ".")) table_paths(*kind.spec, kind.name + ".");
    }
  }

  void object() {
    const std::size_t slash = current_.find('/');
    if (slash == std::string::npos) {
      for (const model::Kind& kind : model::kinds()) candidate(kind.name + "/", kind.summary);
      return;
    }
    const std::string kind = current_.substr(0, slash);
    current_.erase(0, slash + 1);
    if (model::find_kind(kind)) ids(model::find_kind(kind)->name, kind + "/");
  }

  void ids(const std::string& kind, const std::string& head) {
    const auto settings = load_settings(env_, nullptr);
    if (!settings) return;
    ClientOptions options;
    options.socket = socket_.empty() ? settings->socket.value : socket_;
    options.time_limit = std::chrono::milliseconds(250);
    Client client(std::move(options));
    Request request;
    request.path = "/v1/names";
    request.query = {{"kind", kind}, {"prefix", current_}, {"limit", "200"}};
    const auto reply = client.call(request);
    if (!reply) return;
    const auto* names = find_path(*reply, "names");
    if (!names || !names->is_array()) return;
    for (const auto& name : names->get_array()) {
      if (name.is_string()) candidate(std::string(name.get_string()), "", head);
    }
  }

  const Environment& env_;
  Sink sink_;
  Words words_;
  std::string current_;
  std::set<std::string> offered_;  // already: variants may have a field of the same name
  std::vector<FlagInfo> flags_;
  std::optional<FlagInfo> pending_;  ///< a flag whose value comes next
  std::vector<std::string> given_;
  std::string noun_;
  std::string socket_;
  const control::Command* command_ = nullptr;
  std::size_t arguments_ = 0;
  bool has_command_flags_ = false;
  bool flags_ended_ = false;
  bool bash_ = false;
};

}  // namespace

void complete(const Words& words, const Environment& env) { Completion(words, env).run(); }

}  // namespace jl::cli
