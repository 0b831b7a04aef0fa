#include "common/text/secret_references.hpp"

#include "common/text/document_builder.hpp"
#include "common/text/file_references.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace jl::text {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSecret = 64u << 10u;
constexpr std::string_view kFromFile = "fromFile";
constexpr std::string_view kFromEnv = "fromEnv";

// Calls visit(reference, path) for each secret reference below a value; the visitor may replace it.
template <class Visit>
void for_each_reference(json::value& value, const std::string& path, Visit&& visit) {
  if (is_secret_reference(value)) {
    visit(value, path);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) for_each_reference(member.value(), path + "." + std::string(member.key()), visit);
  } else if (auto* array = value.if_array()) {
    std::size_t index = 0;
    for (auto& item : *array) for_each_reference(item, fmt::format("{}[{}]", path, index++), visit);
  }
}

void cut_newline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

class Resolver {
 public:
  Resolver(ManifestDocument& document, const fs::path& folder, const ReadOptions& options,
           std::vector<Problem>& problems)
      : document_(document), folder_(folder), options_(options), problems_(problems) {}

  void resolve(json::value& value, const std::string& path) {
    const auto& member = *value.get_object().begin();
    const std::string name(member.value().get_string());
    Result<std::string> text = member.key() == kFromFile ? from_file(name, path) : from_environment(name);
    if (!text) {
      if (problems_.size() >= kMaxProblems) return;
      problems_.push_back({path, text.error().message, Errc::invalid, document_.label(), document_.position_of(path)});
      return;
    }
    value = json::value(*text);
  }

 private:
  Result<std::string> from_file(const std::string& name, const std::string& path) {
    const fs::path file = folder_ / name;
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const auto failed = [&](int error) {
      return Error(Errc::invalid, "cannot read \"" + file.string() + "\": " + std::strerror(error));
    };
    if (fd < 0) return failed(errno);
    struct stat about {};
    if (::fstat(fd, &about) != 0 || S_ISDIR(about.st_mode)) {
      const int error = S_ISDIR(about.st_mode) ? EISDIR : errno;
      ::close(fd);
      return failed(error);
    }
    if (S_ISREG(about.st_mode) && (about.st_mode & (S_IRGRP | S_IROTH)) != 0) {
      warn(path, fmt::format("secret file \"{}\" can be read by others; chmod 600 it", file.string()));
    }
    Result<std::string> text = read_all(fd, file.string(), kMaxSecret);
    ::close(fd);
    if (text) cut_newline(*text);
    return text;
  }

  Result<std::string> from_environment(const std::string& name) {
    std::optional<std::string> text;
    if (options_.environment) {
      text = options_.environment(name);
    } else if (const char* value = std::getenv(name.c_str())) {
      text = value;
    }
    if (!text) return Error(Errc::invalid, "environment variable \"" + name + "\" is not set");
    if (text->size() > kMaxSecret)
      return Error(Errc::invalid, fmt::format("environment variable \"{}\" has more than {} bytes", name, kMaxSecret));
    return *text;
  }

  void warn(const std::string& path, const std::string& message) {
    if (!options_.warnings) return;
    const auto at = document_.position_of(path);
    options_.warnings->push_back(at ? fmt::format("{}:{}:{}: {}", at->file, at->line, at->column, message) : message);
  }

  ManifestDocument& document_;
  const fs::path& folder_;
  const ReadOptions& options_;
  std::vector<Problem>& problems_;
};

}  // namespace

bool is_secret_reference(const json::value& value) {
  const auto* object = value.if_object();
  if (!object || object->size() != 1) return false;
  const auto& member = *object->begin();
  return (member.key() == kFromFile || member.key() == kFromEnv) && member.value().is_string();
}

void resolve_secrets(ManifestDocument& document, const fs::path& folder, const ReadOptions& options,
                     std::vector<Problem>& problems) {
  json::value* spec = document.document.if_contains("spec");
  if (!spec) return;
  const std::vector<std::string> files = file_reference_paths(document, options.kind);
  Resolver resolver(document, folder, options, problems);
  for_each_reference(*spec, "spec", [&](json::value& value, const std::string& path) {
    if (std::ranges::find(files, path) == files.end()) resolver.resolve(value, path);
  });
}

std::vector<std::string> stand_in_for_secrets(json::object& document) {
  std::vector<std::string> paths;
  if (json::value* spec = document.if_contains("spec")) {
    for_each_reference(*spec, "spec", [&](json::value& value, const std::string& path) {
      value = "x";
      paths.push_back(path);
    });
  }
  return paths;
}

}  // namespace jl::text
