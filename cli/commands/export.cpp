// export: the manifests that apply reads.
#include "cli/commands/handlers.hpp"
#include "cli/new_file.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/text/yaml_writer.hpp"

#include <cerrno>
#include <memory>

namespace jl::cli {
namespace {

class Writer {
 public:
  Writer(Sink& sink, const OutputOptions& options) : sink_(sink), options_(options) {}

  void add(const json::value& manifest) {
    const auto* kind = find_path(manifest, "kind");
    const auto* id = find_path(manifest, "id");
    if (options_.quiet || options_.format == Format::name) {
      if (kind && id) sink_.write((options_.quiet ? "" : plain_text(*kind) + "/") + plain_text(*id) + "\n");
    } else if (options_.format == Format::value) {
      const auto* value = find_path(manifest, options_.value_path);
      sink_.write((value ? plain_text(*value) : std::string()) + "\n");
    } else if (options_.format == Format::jsonl) {
      sink_.write(compact_json(manifest) + "\n");
    } else if (options_.format == Format::json) {
      all_.push_back(manifest);
    } else if (manifest.is_object()) {
      sink_.write(text::to_yaml_document(manifest.get_object()));
    }
  }

  void finish() {
    if (options_.format != Format::json || options_.quiet) return;
    sink_.write(pretty_json(envelope("export", json::object{{"documents", std::move(all_)}})) + "\n");
  }

 private:
  Sink& sink_;
  const OutputOptions& options_;
  json::array all_;
};

}  // namespace

Result<int> run_export(Context& context) {
  const auto path = context.args.value("file");
  if (context.args.has("with-secrets") && (!path || *path == "-")) {
    return Error(Errc::usage, "--with-secrets needs -f FILE: secrets do not go to a terminal or a log");
  }
  Request request = request_for(context);
  for (const std::string& word : context.args.words()) {
    JL_TRY(const model::Kind* kind, kind_word(word));
    request.query.emplace_back("kind", kind->name);
  }
  request.lines = true;

  std::unique_ptr<NewFile> file;
  std::unique_ptr<Sink> file_sink;
  if (path && *path != "-") {
    file = std::make_unique<NewFile>(*path, 0600);
    JL_CHECK(file->open());
    file_sink = std::make_unique<Sink>(file->fd());
  }
  Sink& sink = file_sink ? *file_sink : context.out.sink();
  Writer writer(sink, context.out.options());
  JL_CHECK(context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    writer.add(value);
    return !sink.failed();
  }));
  writer.finish();
  if (file) {
    if (!sink.flush()) {
      errno = sink.error();
      return file->failure();
    }
    JL_CHECK(file->finish());
  }
  return kExitOk;
}

}  // namespace jl::cli
