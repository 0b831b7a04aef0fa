// import jetlinks: what JetLinks exports, as manifests. Needs no daemon.
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/import/jetlinks.hpp"
#include "cli/new_file.hpp"
#include "cli/output/json_text.hpp"
#include "common/text/manifest.hpp"
#include "common/text/yaml_writer.hpp"

#include <chrono>
#include <filesystem>

namespace jl::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 256U << 20U;  // of all files together

Result<std::vector<jetlinks::File>> read_files(const Context& context) {
  std::vector<jetlinks::File> out;
  std::size_t left = kMostBytes;
  bool has_stdin = false;
  for (const std::string& path : context.args.words()) {
    if (path == "-" && std::exchange(has_stdin, true)) return Error(Errc::usage, "\"-\" is given twice");
    JL_TRY(std::string text, read_input(context, path, left));
    left -= text.size();
    out.push_back({path == "-" ? "<stdin>" : path, std::move(text)});
  }
  return out;
}

Result<jetlinks::Options> options_of(const Context& context) {
  jetlinks::Options out;
  if (const auto kind = context.args.value("kind")) out.kind = model::find_kind(*kind);
  for (const std::string& existing : context.args.values("existing")) {
    const std::size_t slash = existing.find('/');
    JL_TRY(const model::Kind* kind, kind_word(existing.substr(0, slash)));
    out.existing.push_back(kind->name + (slash == std::string::npos ? "" : existing.substr(slash)));
  }
  out.official = context.args.values("official");
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  out.now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  return out;
}

// Where the manifests go: "" = standard output.
class Destination {
 public:
  explicit Destination(const Context& context) : path_(context.args.value("out").value_or("-")) {
    if (path_ == "-") path_.clear();
    std::error_code ec;
    is_folder_ = !path_.empty() && (path_.ends_with('/') || fs::is_directory(path_, ec));
  }

  [[nodiscard]] bool is_stdout() const { return path_.empty(); }

  /// The files that were written.
  Result<json::array> write(const std::vector<json::object>& documents) const {
    json::array files;
    if (!is_folder_) {
      std::string text;
      for (const json::object& document : documents) text += text::to_yaml_document(document);
      JL_CHECK(write_new_file(path_, text));
      files.emplace_back(path_);
      return files;
    }
    std::error_code ec;
    fs::create_directories(path_, ec);
    if (ec) return Error(Errc::output, "\"" + path_ + "\" cannot be made: " + ec.message());
    for (const model::Kind& kind : model::kinds()) {
      std::string text;
      for (const json::object& document : documents) {
        if (document.at("kind") == json::value(kind.name)) text += text::to_yaml_document(document);
      }
      if (text.empty()) continue;
      const std::string file = (fs::path(path_) / (kind.name + ".yaml")).string();
      JL_CHECK(write_new_file(file, text));
      files.emplace_back(file);
    }
    return files;
  }

 private:
  std::string path_;
  bool is_folder_ = false;
};

json::value report_of(const jetlinks::Imported& imported, json::array files) {
  json::array notes;
  for (const jetlinks::Note& note : imported.notes) {
    json::object row{{"file", note.file}};
    if (!note.object.empty()) row["object"] = note.object;
    if (!note.field.empty()) row["field"] = note.field;
    row["reason"] = note.reason;
    row["severity"] = to_string(note.severity);
    notes.push_back(std::move(row));
  }
  return json::object{{"documents", imported.documents.size()},
                      {"leftOut", imported.left_out},
                      {"files", std::move(files)},
                      {"notes", std::move(notes)}};
}

std::string count_of(std::size_t number, const char* word) {
  return std::to_string(number) + " " + word + (number == 1 ? "" : "s");
}

// -q and -o name: what the manifests are about, "network/1".
void list_documents(Context& context, const std::vector<json::object>& documents) {
  for (const json::object& document : documents) {
    const std::string kind = context.out.options().quiet ? "" : plain_text(document.at("kind")) + "/";
    context.out.sink().write(kind + plain_text(document.at("id")) + "\n");
  }
}

}  // namespace

Result<int> run_import_jetlinks(Context& context) {
  const OutputOptions& output = context.out.options();
  const bool for_people = (output.format == Format::table || output.format == Format::wide) && !output.quiet;
  const Destination destination(context);
  if (!for_people && destination.is_stdout()) {
    return Error(Errc::usage, "standard output cannot hold both the manifests and a report", "name a file with --out");
  }
  JL_TRY(const jetlinks::Options options, options_of(context));
  JL_TRY(std::vector<jetlinks::File> files, read_files(context));
  JL_TRY(const jetlinks::Imported imported, jetlinks::convert(std::move(files), options));
  json::array written;
  if (destination.is_stdout()) {
    for (const json::object& document : imported.documents) context.out.sink().write(text::to_yaml_document(document));
    context.out.sink().flush();
  } else {
    JL_TRY(written, destination.write(imported.documents));
  }
  if (for_people) {
    for (const std::string& line : jetlinks::lines_of(imported.notes)) context.console.line(line);
    context.console.note(count_of(imported.documents.size(), "document"));
  } else if (output.quiet || output.format == Format::name) {
    list_documents(context, imported.documents);
  } else {
    JL_CHECK(context.out.one(view_of(context.args.command()), report_of(imported, std::move(written))));
  }
  if (imported.left_out > 0)
    return Error(Errc::partial, count_of(imported.left_out, "object") + " could not be carried");
  return kExitOk;
}

}  // namespace jl::cli
