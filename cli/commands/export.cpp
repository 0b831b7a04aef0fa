// export: the manifests that apply reads.
#include "cli/commands/handlers.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/signals.hpp"
#include "common/text/yaml_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace jl::cli {
namespace {

// A file that appears whole or not at all, readable by its owner only.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".part") {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    forget_file();
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }

  Status open() {
    ::unlink(temporary_.c_str());
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd_ < 0) return failure();
    remove_file_on_signal(temporary_);
    return {};
  }

  Status finish() {
    if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) return failure();
    ::close(fd_);
    fd_ = -1;
    return {};
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Error failure() const {
    return {Errc::output, "\"" + path_ + "\" cannot be written: " + std::strerror(errno)};
  }

 private:
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

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
    file = std::make_unique<NewFile>(*path);
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
