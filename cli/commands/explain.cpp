// explain: what a noun or a field means, from the daemon's schema or jlctl's own.
#include "cli/commands/handlers.hpp"
#include "cli/help.hpp"
#include "cli/output/colour.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"
#include "cli/pager.hpp"
#include "common/base/words.hpp"
#include "common/control/schema.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

std::string text_at(const json::value& from, const char* key) {
  const auto* value = find_path(from, key);
  return value ? plain_text(*value) : std::string();
}

bool is_true(const json::value& from, const char* key) {
  const auto* value = find_path(from, key);
  return value && *value == json::value(true);
}

const json::array& array_at(const json::value& from, const char* key) {
  static const json::array none;
  const auto* value = find_path(from, key);
  return value && value->is_array() ? value->get_array() : none;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t used = display_width(text);
  return text + std::string(width > used ? width - used : 0, ' ');
}

std::string kinds_text(const json::array& kinds, bool colour) {
  std::string out = styled("Nouns:", Style::bold, colour) + "\n";
  for (const auto& kind : kinds)
    out +=
        "  " + padded(text_at(kind, "name"), 14) + "  " + text_at(kind, "summary") + " (" + text_at(kind, "zh") + ")\n";
  return out + "\nMore: jlctl explain NOUN, jlctl explain NOUN.FIELD\n";
}

std::string fields_text(const std::vector<const json::value*>& fields, bool colour) {
  std::size_t path_width = 4;
  std::size_t type_width = 4;
  for (const auto* field : fields) {
    path_width = std::max(path_width, display_width(text_at(*field, "path")));
    type_width = std::max(type_width, display_width(text_at(*field, "type")));
  }
  std::string out;
  for (const auto* field : fields) {
    std::string help = text_at(*field, "help");
    if (is_true(*field, "required")) help += "; required";
    if (is_true(*field, "immutable")) help += "; cannot change later";
    if (const auto* value = find_path(*field, "default")) help += "; default " + plain_text(*value);
    const std::size_t indent = path_width + type_width + 6;
    out += "  " + styled(padded(text_at(*field, "path"), path_width), Style::bold, colour) + "  " +
           padded(text_at(*field, "type"), type_width) + "  " + wrapped(help, 60, indent) + "\n";
  }
  return out;
}

std::string kind_text(const json::value& kind, bool colour) {
  std::string out = styled(text_at(kind, "name"), Style::bold, colour) + " (" + text_at(kind, "zh") +
                    "): " + text_at(kind, "summary") + "\n\n";
  out += wrapped(text_at(kind, "description"), 100, 0) + "\n\n";
  std::vector<const json::value*> fields;
  for (const auto& field : array_at(kind, "fields")) fields.push_back(&field);
  return out + styled("Fields:", Style::bold, colour) + "\n" + fields_text(fields, colour);
}

std::string field_text(const std::string& kind, const json::value& field, const std::vector<const json::value*>& inner,
                       bool colour) {
  std::string out = styled(kind + "." + text_at(field, "path"), Style::bold, colour) + "\n  " +
                    wrapped(text_at(field, "help"), 96, 2) + "\n\n";
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += "  " + padded(std::string(name) + ":", 15) + value + "\n";
  };
  std::string type = text_at(field, "type");
  if (const std::string target = text_at(field, "refersTo"); !target.empty()) type += " to a " + target;
  line("type", type);
  line("required", is_true(field, "required") ? "yes" : "no");
  if (is_true(field, "immutable")) line("immutable", "yes: it cannot change after creation");
  line("default", text_at(field, "default"));
  if (find_path(field, "min")) line("range", text_at(field, "min") + " to " + text_at(field, "max"));
  line("at most", text_at(field, "maxLength").empty() ? "" : text_at(field, "maxLength") + " characters");
  line("when", text_at(field, "when"));
  line("required when", text_at(field, "requiredWhen"));
  line("example", text_at(field, "example"));
  line("since", text_at(field, "since"));
  for (const auto& word : array_at(field, "words")) {
    const bool first = &word == &array_at(field, "words").front();
    out += "  " + padded(first ? "words:" : "", 15) + text_at(word, "word") + "  " + text_at(word, "help") + "\n";
  }
  if (!inner.empty()) out += "\n" + styled("Fields below it:", Style::bold, colour) + "\n" + fields_text(inner, colour);
  return out;
}

Error no_such_field(const std::string& kind, const std::string& path, const json::array& fields) {
  std::vector<std::string> known;
  for (const auto& field : fields) known.push_back(text_at(field, "path"));
  std::string nearest = nearest_word(path, known);
  if (nearest.empty()) {
    // The last part alone may be what was mistyped.
    std::vector<std::string> leaves;
    for (const auto& name : known) leaves.push_back(name.substr(name.rfind('.') + 1));
    const std::string leaf = nearest_word(path.substr(path.rfind('.') + 1), leaves);
    const auto found = std::ranges::find(leaves, leaf);
    if (found != leaves.end()) nearest = known[static_cast<std::size_t>(found - leaves.begin())];
  }
  return {Errc::usage, "\"" + kind + "\" has no field \"" + path + "\"",
          nearest.empty() ? "see \"jlctl explain " + kind + "\"" : "did you mean \"" + kind + "." + nearest + "\"?"};
}

// By its path, with or without "spec.", or by its last part where only one field has it.
const json::value* find_field(const json::array& fields, std::string path) {
  if (path.starts_with("spec.")) path.erase(0, 5);
  const json::value* by_leaf = nullptr;
  std::size_t matches = 0;
  for (const auto& field : fields) {
    const std::string own = text_at(field, "path");
    if (own == path || own == "spec." + path) return &field;
    // cluster[] repeats the fields of configuration; the plain one is meant.
    if (!own.ends_with("." + path) || own.find("[]") != std::string::npos) continue;
    // Variants may have a field of one name, each with bounds of its own; the first speaks for them.
    if (!by_leaf || text_at(*by_leaf, "path") != own) by_leaf = &field, ++matches;
  }
  return matches == 1 ? by_leaf : nullptr;
}

Result<json::value> schema(Context& context) {
  if (context.args.has("offline")) return json::value(control::schema_document());
  auto reply = context.client.call(request_for(context));
  if (reply) return reply;
  Error error = reply.error();
  if (error.code == Errc::no_socket || error.code == Errc::not_running || error.code == Errc::socket_denied)
    error.hint = "from jlctl's own tables: add --offline";
  return error;
}

}  // namespace

Result<int> run_explain(Context& context) {
  JL_TRY(const json::value tree, schema(context));
  const json::array& kinds = array_at(tree, "kinds");
  const bool colour = context.out.options().table.colour;
  const Words& words = context.args.words();
  std::string text;
  if (words.empty()) {
    if (context.out.document("schema", tree)) return kExitOk;
    text = kinds_text(kinds, colour);
  } else {
    const std::size_t dot = words[0].find('.');
    const std::string name = words[0].substr(0, dot);
    const json::value* kind = nullptr;
    std::vector<std::string> names;
    for (const auto& candidate : kinds) {
      names.push_back(text_at(candidate, "name"));
      if (iequals(names.back(), name) || iequals(text_at(candidate, "plural"), name)) kind = &candidate;
    }
    if (!kind) {
      const std::string nearest = nearest_word(name, names);
      return Error(Errc::usage, "there is no noun \"" + name + "\"",
                   nearest.empty() ? "nouns are " + join(names) : "did you mean \"" + nearest + "\"?");
    }
    const std::string kind_name = text_at(*kind, "name");
    if (dot == std::string::npos) {
      if (context.out.document("explanation", *kind)) return kExitOk;
      text = kind_text(*kind, colour);
    } else {
      const std::string path = words[0].substr(dot + 1);
      const json::array& fields = array_at(*kind, "fields");
      const json::value* field = find_field(fields, path);
      if (!field) return no_such_field(kind_name, path, fields);
      if (context.out.document("explanation", *field)) return kExitOk;
      std::vector<const json::value*> inner;
      for (const auto& candidate : fields) {
        const std::string own = text_at(candidate, "path");
        const std::string above = text_at(*field, "path");
        if (own.starts_with(above + ".") || own.starts_with(above + "[].")) inner.push_back(&candidate);
      }
      text = field_text(kind_name, *field, inner, colour);
    }
  }
  if (!show_text(context.env, text, !context.args.has("no-pager")))
    return Error(Errc::output, "standard output cannot be written");
  return kExitOk;
}

}  // namespace jl::cli
