#include "cli/document.hpp"

#include "cli/output/paths.hpp"
#include "cli/secret_input.hpp"
#include "common/base/base64.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/text/file_references.hpp"
#include "common/text/redact.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace jl::cli {

Result<std::string> read_input(const Context& context, const std::string& path, std::size_t most_bytes) {
  if (path == "-") return text::read_all(context.env.in, "<stdin>", most_bytes);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return Error(Errc::usage, "\"" + path + "\" cannot be read: " + std::strerror(errno));
  auto text = text::read_all(fd, path, most_bytes);
  ::close(fd);
  return text;
}

Result<std::string> read_file(Context& context, const std::string& flag, const std::string& path) {
  constexpr std::size_t kMost = 16U << 20U;
  auto text = read_input(context, path, kMost);
  if (text || path == "-") return text;
  Error error = text.error();
  if (error.code == Errc::usage) error.message = "--" + flag + ": " + error.message;
  return error;
}

namespace {

using model::Field;
using model::Type;

constexpr std::size_t kMaxContent = 1U << 20U;  // of one file that is a field's value

Error wrong(const FlagInfo& flag, const std::string& value, const std::string& what) {
  return {Errc::usage, "--" + flag.name + ": \"" + value + "\" " + what, "see \"jlctl explain\" for the field",
          flag.path};
}

Result<std::string> read_value_file(Context& context, const FlagInfo& flag, const std::string& path) {
  return read_file(context, flag.name, path);
}

// JSON text, or @FILE with JSON or (an object in) YAML.
Result<json::value> json_value(Context& context, const FlagInfo& flag, const std::string& value) {
  const bool is_file = value.starts_with('@');
  std::string text = value;
  if (is_file) {
    JL_TRY(text, read_value_file(context, flag, value.substr(1)));
  }
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 64;
  json::value parsed = json::parse(json::string_view(text), ec, {}, options);
  if (!ec) return parsed;
  if (is_file && (value.ends_with(".yaml") || value.ends_with(".yml"))) {
    JL_TRY(auto documents, text::read_manifest_text(text, value.substr(1)));
    if (documents.size() == 1) return json::value(std::move(documents.front().document));
  }
  if (is_file)
    return Error(Errc::usage, "--" + flag.name + ": \"" + value.substr(1) + "\" is not JSON: " + ec.message());
  return wrong(flag, value.size() > 40 ? value.substr(0, 40) + "..." : value,
               "is not JSON: " + ec.message() + "; @FILE names a file");
}

Result<json::value> field_value(Context& context, const FlagInfo& flag, const std::string& value) {
  switch (flag.field->type) {
    case Type::integer: {
      std::int64_t number = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (ec != std::errc{} || end != value.data() + value.size()) return wrong(flag, value, "is not a whole number");
      return number;
    }
    case Type::number: {
      double number = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (ec != std::errc{} || end != value.data() + value.size()) return wrong(flag, value, "is not a number");
      return number;
    }
    case Type::object:
    case Type::list:
    case Type::json:
      return json_value(context, flag, value);
    default:
      return json::value(value);
  }
}

// Where a kind takes an uploaded package, --file may name that as well as a document: a zip archive is no document.
// Images of firmware may be anything, also text; they have --image.
const FlagInfo* package_flag(const Context& context) {
  const auto file = context.args.value("file");
  if (!file || *file == "-") return nullptr;
  const auto& flags = context.args.flags();
  const auto found = std::ranges::find_if(flags, [](const FlagInfo& flag) {
    return flag.field && flag.use == FlagUse::file && flag.field->uploaded == "protocol";
  });
  if (found == flags.end()) return nullptr;
  std::ifstream in(*file, std::ios::binary);
  char start[4] = {};
  in.read(start, sizeof start);
  const std::string_view magic(start, static_cast<std::size_t>(in.gcount()));
  return magic == "PK\x03\x04" || magic == "PK\x05\x06" ? &*found : nullptr;
}

class FlagDocument {
 public:
  FlagDocument(Context& context, json::object& out)
      : context_(context),
        out_(out),
        secrets_(context.env, context.console, context.can_ask()),
        uploads_(context, FileUse::upload) {}

  Status fill() {
    // What can be wrong here is found before files travel.
    for (const bool is_upload : {false, true}) {
      for (const auto& [flag, values] : context_.args.given()) {
        if (is_uploaded(*flag) == is_upload) JL_CHECK(one(*flag, values));
      }
    }
    if (const FlagInfo* package = package_flag(context_)) {
      if (context_.args.has(package->name))
        return Error(Errc::usage, "--file and --" + package->name + " both name a package");
      return uploaded_file(*package, *context_.args.value("file"));
    }
    return {};
  }

  // A secret that the kind requires and nobody gave is asked for.
  Status ask_missing() {
    if (!context_.can_ask()) return {};
    for (const FlagInfo& flag : context_.args.flags()) {
      if (flag.use != FlagUse::secret_stdin || flag.takes_value() || !flag.field->required) continue;
      if (find_path(out_, flag.path)) continue;
      JL_TRY(const Secret secret, secrets_.ask(flag.field->flag));
      put(flag.path, secret);
    }
    return {};
  }

 private:
  Status one(const FlagInfo& flag, const Words& values) {
    switch (flag.use) {
      case FlagUse::global:
      case FlagUse::command:
        return {};
      case FlagUse::field:
      case FlagUse::field_off:
        if (flag.field && is_text_list(*flag.field)) return texts(flag, values);
        return flag.takes_value() ? scalar(flag, values.front()) : boolean(flag);
      case FlagUse::entry:
        for (const auto& value : values) JL_CHECK(entry(flag, value));
        return {};
      case FlagUse::file:
        return file(flag, values.front());
      default:
        if (flag.field->from_file) return file(flag, values.empty() ? std::string() : values.front());
        if (!flag.repeated) return secret(flag, values.empty() ? std::string() : values.front(), "");
        for (const auto& value : values) JL_CHECK(secret_entry(flag, value));
        return {};
    }
  }

  Status boolean(const FlagInfo& flag) {
    const bool value = flag.use == FlagUse::field;
    if (const auto* other = find_path(out_, flag.path);
        other && flags_set_.contains(flag.path) && *other != json::value(value)) {
      return Error(Errc::usage, "--" + flag.name + " contradicts another flag");
    }
    flags_set_[flag.path] = true;
    set_path(out_, flag.path, value);
    return {};
  }

  Status scalar(const FlagInfo& flag, const std::string& value) {
    JL_TRY(json::value converted, field_value(context_, flag, value));
    set_path(out_, flag.path, std::move(converted));
    return {};
  }

  Status texts(const FlagInfo& flag, const Words& values) {
    // All at once as JSON, or from a file of it.
    if (values.size() == 1 && (values[0].starts_with('[') || values[0].starts_with('@')))
      return scalar(flag, values[0]);
    json::array list;
    for (const auto& value : values) list.emplace_back(value);
    set_path(out_, flag.path, std::move(list));
    return {};
  }

  Status entry(const FlagInfo& flag, const std::string& value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return wrong(flag, value, "is not KEY=VALUE");
    const std::string key = value.substr(0, equals);
    if (flag.field->type == Type::config && text::is_secret_key(key)) {
      return Error(Errc::usage,
                   "--" + flag.name + ": \"" + key + "\" is a secret, and a command line can be read by others",
                   "put it into a file: --" + flag.name + "-secret-file " + key + "=PATH", flag.path + "." + key);
    }
    return map_entry(flag, key, json::value(value.substr(equals + 1)));
  }

  Status secret_entry(const FlagInfo& flag, const std::string& value) {
    if (flag.use == FlagUse::secret_stdin) return secret(flag, "", value);
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return wrong(flag, value, "is not " + flag.value);
    return secret(flag, value.substr(equals + 1), value.substr(0, equals));
  }

  Status secret(const FlagInfo& flag, const std::string& source, const std::string& key) {
    JL_TRY(const Secret value, secrets_.read(flag.use, source, key.empty() ? flag.field->flag : key));
    context_.client.keep_secret(value);
    if (!key.empty()) return map_entry(flag, key, json::value(value.reveal()));
    put(flag.path, value);
    return {};
  }

  static bool is_uploaded(const FlagInfo& flag) {
    return flag.use == FlagUse::file && flag.field && !flag.field->uploaded.empty();
  }

  // The daemon keeps the file; the field gets its id, and the one beside it the name, unless that is given.
  Status uploaded_file(const FlagInfo& flag, const std::string& source) {
    const bool is_stdin = source == "-";
    if (is_stdin) JL_CHECK(secrets_.take_stdin("--" + flag.name));
    auto id = is_stdin ? uploads_.take_from(*flag.field, context_.env.in, "standard input")
                       : uploads_.take(*flag.field, source);
    if (!id) {
      Error error = id.error();
      if (error.code == Errc::usage) error.message = "--" + flag.name + ": " + error.message;
      if (error.field.empty()) error.field = flag.path;
      return error;
    }
    set_path(out_, flag.path, json::value(*id));
    if (is_stdin || flag.field->upload_name.empty()) return {};
    const std::string beside = flag.path.substr(0, flag.path.rfind('.') + 1) + flag.field->upload_name;
    const std::string name = text::shown_file_name(source);
    if (!name.empty() && !find_path(out_, beside)) set_path(out_, beside, json::value(name));
    return {};
  }

  // The content of a file; bytes go in as base64.
  Status file(const FlagInfo& flag, const std::string& source) {
    if (is_uploaded(flag)) return uploaded_file(flag, source);
    JL_TRY(const Secret content, secrets_.read_content(flag.use, source, flag.field->flag, kMaxContent));
    if (content.empty()) return Error(Errc::usage, "--" + flag.name + ": \"" + source + "\" is empty", {}, flag.path);
    const Secret value(flag.field->base64 ? to_base64(content.reveal()) : content.reveal());
    if (flag.is_secret()) context_.client.keep_secret(value);
    set_path(out_, flag.path, json::value(value.reveal()));
    return {};
  }

  // Not set_path: keys of maps may have dots.
  Status map_entry(const FlagInfo& flag, const std::string& key, json::value value) {
    if (!find_path(out_, flag.path)) set_path(out_, flag.path, json::object());
    auto* map = find_path(out_, flag.path)->if_object();
    if (!map) return Error(Errc::usage, "--" + flag.name + ": the file has something other than an object there");
    (*map)[key] = std::move(value);
    return {};
  }

  void put(const std::string& path, const Secret& value) {
    context_.client.keep_secret(value);
    set_path(out_, path, json::value(value.reveal()));
  }

  Context& context_;
  json::object& out_;
  SecretInput secrets_;
  Uploads uploads_;
  std::map<std::string, bool> flags_set_;
};

// An image where its document was wanted: a NUL is in no YAML and no JSON, and early in whatever is not text.
Status check_no_image(const Context& context, const std::string& file) {
  const auto& flags = context.args.flags();
  const auto image = std::ranges::find_if(flags, [](const FlagInfo& flag) {
    return flag.field && flag.use == FlagUse::file && !flag.field->uploaded.empty();
  });
  if (image == flags.end() || file == "-") return {};
  std::ifstream in(file, std::ios::binary);
  std::array<char, 4096> start{};
  in.read(start.data(), start.size());
  const std::string_view seen(start.data(), static_cast<std::size_t>(in.gcount()));
  if (seen.find('\0') == seen.npos) return {};
  return Error(Errc::usage, "\"" + file + "\" is no document but bytes",
               "the file itself: --" + image->name + " " + file);
}

// -f FILE of add and edit: exactly one document, of this kind and id where it names them.
Result<Document> document_of_file(Context& context, const std::string& id) {
  Document out;
  const auto file = context.args.value("file");
  if (!file || package_flag(context)) return out;
  JL_CHECK(check_no_image(context, *file));
  JL_TRY(out.sources, load_manifests(context, {*file}, true, FileUse::upload));
  if (out.sources.size() != 1) {
    return Error(Errc::usage,
                 "\"" + *file + "\" holds " + std::to_string(out.sources.size()) + " documents; one is wanted",
                 "several at once: jlctl apply -f " + *file);
  }
  out.content = out.sources.front().document;
  const std::string& kind = context.args.command().kind->name;
  const auto named = [&](const char* key, const std::string& wanted) -> Status {
    const auto* value = out.content.if_contains(key);
    if (!value || *value == json::value(wanted)) return {};
    return Error(Errc::usage, "\"" + *file + "\" is about another " + key + " than \"" + wanted + "\"");
  };
  JL_CHECK(named("kind", kind));
  JL_CHECK(named("id", id));
  // Problems of the daemon name the object; the file need not.
  out.sources.front().document["kind"] = kind;
  out.sources.front().document["id"] = id;
  out.content.erase("kind");
  return out;
}

// The path of a field that --unset names: by flag, or relative to the spec.
Result<std::string> unset_path(const Context& context, const std::string& name) {
  Words known;
  for (const FlagInfo& flag : context.args.flags()) {
    if (!flag.field) continue;
    const bool by_file = flag.use == FlagUse::file || (flag.use == FlagUse::secret_file && flag.field->from_file);
    if (flag.use != FlagUse::field && flag.use != FlagUse::entry && !by_file) continue;
    const std::string path = flag.path.starts_with("spec.") ? flag.path.substr(5) : flag.path;
    if (name == flag.name || name == path || name == flag.path) return flag.path;
    const bool is_map = flag.use == FlagUse::entry;
    if (is_map && (name.starts_with(path + ".") || name.starts_with(flag.path + "."))) {
      return flag.path + name.substr(name.starts_with("spec.") ? flag.path.size() : path.size());
    }
    known.push_back(path);
  }
  const std::string nearest = nearest_word(name, known);
  return Error(Errc::usage, "--unset: there is no field \"" + name + "\"",
               nearest.empty() ? "fields are " + join(known) : "did you mean \"" + nearest + "\"?");
}

// A field that only one shape of an object has says which shape it is: --path makes a protocol a local one.
void choose_variants(const model::Kind& kind, json::object& spec) {
  for (const Field& field : kind.spec->fields) {
    const auto* given = field.variants.empty() ? nullptr : spec.if_contains(field.key);
    if (!given || !given->is_object() || given->get_object().empty() || spec.contains(field.selector)) continue;
    const model::Variant* only = nullptr;
    std::size_t fitting = 0;
    for (const model::Variant& variant : field.variants) {
      const bool fits = std::ranges::all_of(given->get_object(), [&](const auto& member) {
        const Field* known = variant.table->find(member.key());
        return known && !known->ignored;
      });
      if (fits) only = &variant, ++fitting;
    }
    if (fitting == 1) spec[field.selector] = only->word;
  }
}

}  // namespace

json::value typed_value(const std::string& text) {
  boost::system::error_code ec;
  json::value parsed = json::parse(json::string_view(text), ec);
  return ec ? json::value(text) : parsed;
}

Status resolve_files(Context& context, std::vector<text::ManifestDocument>& documents, FileUse use) {
  Uploads uploads(context, use);
  std::vector<Problem> problems;
  for (text::ManifestDocument& document : documents) {
    JL_CHECK(text::resolve_files(
        document, context.args.command().kind,
        [&](const Field& field, const std::string& file) { return uploads.take(field, file); }, problems));
  }
  if (!problems.empty()) return error_from_problems(std::move(problems));
  return {};
}

Result<std::vector<text::ManifestDocument>> load_manifests(Context& context, const std::vector<std::string>& paths,
                                                           bool resolve_secrets, FileUse files) {
  text::ReadOptions options;
  options.kind = context.args.command().kind;
  options.resolve_secrets = resolve_secrets;
  options.read_stdin = [&](std::size_t most) { return text::read_all(context.env.in, "<stdin>", most); };
  options.environment = [&](const std::string& name) { return context.env.variable(name.c_str()); };
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  auto documents = text::read_manifests(paths, options);
  for (const std::string& warning : warnings) context.console.warning(warning);
  if (!documents) return documents.error();
  // What "export -o json" printed: the manifests stand inside jlctl's envelope.
  std::vector<text::ManifestDocument> out;
  for (text::ManifestDocument& document : *documents) {
    const auto* schema = document.document.if_contains("schema");
    const json::value* inner = schema ? find_path(document.document, "data.documents") : nullptr;
    if (!schema || *schema != json::value(control::kOutputSchema) || !inner || !inner->is_array()) {
      out.push_back(std::move(document));
      continue;
    }
    for (const auto& item : inner->get_array()) {
      if (!item.is_object()) return Error(Errc::invalid, "\"" + document.file + "\": a document is not an object");
      out.push_back({item.get_object(), document.positions, document.file});
    }
  }
  JL_CHECK(resolve_files(context, out, files));
  return out;
}

Result<Document> new_document(Context& context, const std::string& id) {
  JL_TRY(Document out, document_of_file(context, id));
  json::object content{{"id", id}};
  for (auto& item : out.content) content[item.key()] = std::move(item.value());
  // A file may have its fields beside the id instead of in "spec"; flags then join them there.
  const bool flat = !out.sources.empty() && !content.contains("spec");
  if (flat) {
    json::object spec;
    for (const auto& field : context.args.command().kind->spec->fields) {
      if (auto* value = content.if_contains(field.key)) {
        spec[field.key] = std::move(*value);
        content.erase(field.key);
      }
    }
    content["spec"] = std::move(spec);
  }
  if (!content.contains("spec")) content["spec"] = json::object();
  FlagDocument flags(context, content);
  JL_CHECK(flags.fill());
  JL_CHECK(flags.ask_missing());
  if (auto* spec = content.if_contains("spec"); spec && spec->is_object())
    choose_variants(*context.args.command().kind, spec->get_object());
  out.content = std::move(content);
  return out;
}

Result<Document> patch_document(Context& context) {
  JL_TRY(Document out, document_of_file(context, context.args.words().front()));
  out.content.erase("id");
  FlagDocument flags(context, out.content);
  JL_CHECK(flags.fill());
  for (const std::string& name : context.args.values("unset")) {
    JL_TRY(const std::string path, unset_path(context, name));
    if (const auto* value = find_path(out.content, path); value && !value->is_null()) {
      return Error(Errc::usage, "\"" + name + "\" is both set and unset");
    }
    set_path(out.content, path, nullptr);
  }
  if (out.content.empty()) {
    return Error(Errc::usage, "nothing to change was named",
                 "see \"jlctl " + context.args.command().label() + " --help\" for the fields");
  }
  return out;
}

}  // namespace jl::cli
