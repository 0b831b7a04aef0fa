#include "common/text/manifest.hpp"

#include "common/base/assert.hpp"
#include "common/text/document_builder.hpp"
#include "common/text/secret_references.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace jl::text {
namespace {

namespace fs = std::filesystem;

bool has_ending(const std::string& name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

Error unreadable(const std::string& path, const std::string& reason) {
  return {Errc::usage, "cannot read \"" + path + "\": " + reason, "check the path given with -f"};
}

// Reads one or more texts into one list of documents, within one budget.
class ManifestReader {
 public:
  explicit ManifestReader(const ReadOptions& options) : options_(options) { budget_.limits = options.limits; }

  Status read_path(const std::string& path) {
    if (path == "-") return read_stdin();
    std::error_code ec;
    if (fs::is_directory(path, ec)) return read_folder(path);
    return read_file(path);
  }

  Status read_text(std::string text, const std::string& name, const fs::path& folder) {
    if (text.size() > options_.limits.bytes - text_bytes_) return too_large(name);
    text_bytes_ += text.size();
    const std::size_t first = documents_.size();
    FileContext context{name, budget_, problems_, documents_, options_.warnings};
    read_as_fits(context, std::make_shared<const std::string>(std::move(text)));
    if (options_.resolve_secrets) {
      for (std::size_t i = first; i < documents_.size(); ++i)
        resolve_secrets(documents_[i], folder, options_, problems_);
    }
    return {};
  }

  Result<std::vector<ManifestDocument>> take() {
    if (problems_.empty()) return std::move(documents_);
    const auto large = std::ranges::find(problems_, Errc::too_large, &Problem::code);
    if (large != problems_.end()) std::rotate(problems_.begin(), large, large + 1);  // it says why the rest is missing
    return error_from_problems(std::move(problems_));
  }

  [[nodiscard]] bool exhausted() const {
    return std::ranges::find(problems_, Errc::too_large, &Problem::code) != problems_.end() ||
           problems_.size() >= kMaxProblems;
  }

 private:
  [[nodiscard]] Error too_large(const std::string& name) const {
    return {Errc::too_large, fmt::format("\"{}\": more than {} bytes of manifests", name, options_.limits.bytes),
            "split them into several calls"};
  }

  static void read_as_fits(FileContext& context, const std::shared_ptr<const std::string>& text) {
    if (has_ending(context.file, {".json", ".jsonl", ".ndjson"})) {
      read_json(context, text);
      return;
    }
    const std::size_t start = text->find_first_not_of(" \t\r\n");
    const bool looks_like_json = start != std::string::npos && ((*text)[start] == '{' || (*text)[start] == '[');
    if (has_ending(context.file, {".yaml", ".yml"}) || !looks_like_json) {
      read_yaml(context, *text);
      return;
    }
    // YAML's flow style starts with the same characters, so what is not JSON gets a second chance.
    const Budget budget = context.budget;
    const std::size_t documents = context.documents.size();
    std::vector<Problem> json_problems;
    FileContext json_context{context.file, context.budget, json_problems, context.documents, context.warnings};
    if (read_json(json_context, text)) return append(context.problems, std::move(json_problems));
    context.documents.resize(documents);
    context.budget = budget;
    std::vector<Problem> yaml_problems;
    FileContext yaml_context{context.file, context.budget, yaml_problems, context.documents, context.warnings};
    const bool is_yaml = read_yaml(yaml_context, *text);
    append(context.problems, is_yaml ? std::move(yaml_problems) : std::move(json_problems));
  }

  static void append(std::vector<Problem>& to, std::vector<Problem> from) {
    for (Problem& problem : from) to.push_back(std::move(problem));
  }

  Status read_stdin() {
    if (!options_.read_stdin) return Error(Errc::usage, "\"-\" cannot be read here");
    if (stdin_read_) return Error(Errc::usage, "\"-\" is given twice");
    stdin_read_ = true;
    JL_TRY(std::string text, options_.read_stdin(options_.limits.bytes));
    return read_text(std::move(text), "<stdin>", fs::path());
  }

  Status read_file(const std::string& path) {
    if (++files_ > options_.limits.files) {
      return Error(Errc::too_large, fmt::format("more than {} files", options_.limits.files),
                   "split them into several calls");
    }
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return unreadable(path, std::strerror(errno));
    Result<std::string> text = read_all(fd, path, options_.limits.bytes - text_bytes_);
    ::close(fd);
    if (!text) return text.error().code == Errc::too_large ? too_large(path) : text.error();
    return read_text(std::move(*text), path, fs::path(path).parent_path());
  }

  Status read_folder(const std::string& path) {
    JL_TRY(const std::vector<std::string> files, files_below(path));
    if (files.empty()) return unreadable(path, "no *.yaml, *.yml or *.json file below it");
    for (const std::string& file : files) {
      JL_CHECK(read_file(file));
      if (exhausted()) break;
    }
    return {};
  }

  Result<std::vector<std::string>> files_below(const std::string& path) const {
    std::vector<std::string> out;
    std::error_code ec;
    fs::recursive_directory_iterator at(path, ec);
    for (; !ec && at != fs::recursive_directory_iterator(); at.increment(ec)) {
      const std::string name = at->path().filename().string();
      std::error_code type_error;
      if (name.starts_with('.')) {
        at.disable_recursion_pending();
      } else if (has_ending(name, {".yaml", ".yml", ".json"}) && at->is_regular_file(type_error)) {
        out.push_back(at->path().string());
        if (out.size() > options_.limits.files) {
          return Error(Errc::too_large, fmt::format("more than {} files below \"{}\"", options_.limits.files, path));
        }
      }
    }
    if (ec) return unreadable(path, ec.message());
    std::ranges::sort(out);
    return out;
  }

  const ReadOptions& options_;
  Budget budget_;
  std::vector<Problem> problems_;
  std::vector<ManifestDocument> documents_;
  std::size_t text_bytes_ = 0;
  std::size_t files_ = 0;
  bool stdin_read_ = false;
};

}  // namespace

Result<std::vector<ManifestDocument>> read_manifests(const std::vector<std::string>& paths,
                                                     const ReadOptions& options) {
  ManifestReader reader(options);
  for (const std::string& path : paths) {
    JL_CHECK(reader.read_path(path));
    if (reader.exhausted()) break;
  }
  return reader.take();
}

Result<std::vector<ManifestDocument>> read_manifest_text(std::string_view text, const std::string& name,
                                                         const ReadOptions& options) {
  ManifestReader reader(options);
  JL_CHECK(reader.read_text(std::string(text), name, fs::path()));
  return reader.take();
}

Result<std::string> read_all(int fd, const std::string& name, std::size_t most_bytes) {
  constexpr std::size_t kChunk = 64u << 10u;
  std::string out;
  for (;;) {
    const std::size_t have = out.size();
    const std::size_t want = std::min(kChunk, most_bytes - have + 1);
    out.resize(have + want);
    const ssize_t n = ::read(fd, out.data() + have, want);
    if (n < 0 && errno == EINTR) {
      out.resize(have);
      continue;
    }
    if (n < 0) return unreadable(name, std::strerror(errno));
    out.resize(have + static_cast<std::size_t>(n));
    if (n == 0) return out;
    if (out.size() > most_bytes)
      return Error(Errc::too_large, fmt::format("\"{}\" has more than {} bytes", name, most_bytes));
  }
}

}  // namespace jl::text
