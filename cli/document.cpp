#include "cli/document.hpp"

#include "cli/flag_document.hpp"
#include "cli/output/paths.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/text/file_references.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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

// An image where its document was wanted: a NUL is in no YAML and no JSON, and early in whatever is not text.
Status check_no_image(const Context& context, const std::string& file) {
  const auto& flags = context.args.flags();
  const auto image = std::ranges::find_if(flags, [](const FlagInfo& flag) {
    return flag.field && flag.use == FlagUse::file && !flag.field->uploaded.empty();
  });
  if (image == flags.end() || file == "-" || !is_binary_file(file)) return {};
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
        [&](const Field& field, const std::string& file) -> Result<std::string> {
          const auto* spec = document.document.if_contains("spec");
          const json::object& fields = spec && spec->is_object() ? spec->get_object() : document.document;
          JL_TRY(const GivenSign sign, sign_beside(field, fields, is_patch(context)));
          return uploads.take(field, file, sign);
        },
        problems));
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
  JL_CHECK(fill_from_flags(context, content));
  if (auto* spec = content.if_contains("spec"); spec && spec->is_object())
    choose_variants(*context.args.command().kind, spec->get_object());
  out.content = std::move(content);
  return out;
}

Result<Document> patch_document(Context& context) {
  JL_TRY(Document out, document_of_file(context, context.args.words().front()));
  out.content.erase("id");
  JL_CHECK(fill_from_flags(context, out.content));
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
