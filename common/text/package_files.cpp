#include "common/text/package_files.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::text {
namespace {

std::string quoted(std::string_view path) {
  // A path that is refused may hold anything.
  if (!is_printable_utf8(path)) return "a file whose name is not printable UTF-8";
  return "\"" + std::string(path.substr(0, 80)) + (path.size() > 80 ? "...\"" : "\"");
}

std::string mebibytes(std::size_t bytes) {
  return bytes >= (1u << 20u) && bytes % (1u << 20u) == 0 ? std::to_string(bytes >> 20u) + " MiB"
                                                          : std::to_string(bytes) + " bytes";
}

Status refuse(std::string_view path, const std::string& why) { return Error(Errc::invalid, quoted(path) + " " + why); }

// Calls visit(part) for each part between '/'; stops and answers false when it does.
template <class Visit>
bool for_each_part(std::string_view path, Visit&& visit) {
  if (path.ends_with('/')) path.remove_suffix(1);
  for (std::size_t from = 0;;) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    if (!visit(path.substr(from, end - from))) return false;
    if (end == path.size()) return true;
    from = end + 1;
  }
}

// The folder that all files are in, with its '/', when it is one and has the manifest.
std::string common_folder(const PackageFiles& files) {
  if (files.empty()) return {};
  const std::string& first = files.begin()->first;
  const std::size_t slash = first.find('/');
  if (slash == std::string::npos) return {};
  const std::string folder = first.substr(0, slash + 1);
  const bool holds_all = std::ranges::all_of(files, [&](const auto& f) { return f.first.starts_with(folder); });
  return holds_all ? folder : std::string();
}

Error no_manifest(const PackageFiles& files) {
  std::string found;
  for (const auto& [path, content] : files) {
    if (path.ends_with("/" + std::string(kPackageManifest))) found = path;
  }
  if (!found.empty())
    return {Errc::invalid, "protocol.json is not at the top, but at " + quoted(found), "pack that folder alone"};
  return {Errc::invalid, "there is no protocol.json", "jlctl protocol init DIR writes a package to start from"};
}

}  // namespace

bool is_package_file(std::string_view path) {
  if (path.ends_with(".d.ts")) return false;
  static constexpr std::array<std::string_view, 4> kEndings{".js", ".mjs", ".json", ".md"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return path.ends_with(ending); });
}

bool is_left_out(std::string_view path) {
  return !for_each_part(path, [](std::string_view part) {
    return !(part.starts_with('.') || part == "node_modules" || part == "__MACOSX");
  });
}

Status check_package_path(std::string_view path, const PackageLimits& limits) {
  if (path.size() > limits.name)
    return Error(Errc::too_large, quoted(path) + " is a path of " + std::to_string(path.size()) + " bytes; at most " +
                                      std::to_string(limits.name));
  if (!is_printable_utf8(path))
    return Error(Errc::invalid, "a file's name is not printable UTF-8",
                 "pack with \"jlctl protocol pack\", or with a tool that writes names as UTF-8");
  if (path.find('\\') != std::string_view::npos) return refuse(path, "has a backslash in its path");
  if (path.starts_with('/')) return refuse(path, "is an absolute path");
  const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  if (path.size() >= 2 && path[1] == ':' && is_letter(path[0])) return refuse(path, "has a drive letter");

  std::size_t parts = 0;
  const bool plain = for_each_part(path, [&](std::string_view part) {
    ++parts;
    return !part.empty() && part != "." && part != "..";
  });
  if (!plain) return refuse(path, "has an empty part, \".\" or \"..\" in its path");
  if (parts > limits.depth + 1)
    return Error(Errc::too_large, quoted(path) + " is in more than " + std::to_string(limits.depth) + " folders");
  return {};
}

Status PackageCollector::count(std::string_view path) {
  if (++entries_ > limits_.entries)
    return Error(Errc::too_large, "there are more than " + std::to_string(limits_.entries) + " files and folders");
  return check_package_path(path, limits_);
}

Status PackageCollector::begin(std::string_view path) {
  const auto [at, is_new] = files_.try_emplace(std::string(path));
  if (!is_new) return refuse(path, "stands twice");
  current_ = at;
  return {};
}

Status PackageCollector::append(std::string_view bytes) {
  JL_ASSERT(!files_.empty());
  std::string& content = current_->second;
  if (bytes.size() > limits_.file - content.size())
    return Error(Errc::too_large, quoted(current_->first) + " is larger than " + mebibytes(limits_.file));
  if (bytes.size() > limits_.total - total_)
    return Error(Errc::too_large, "all files together are larger than " + mebibytes(limits_.total));
  total_ += bytes.size();
  content += bytes;
  return {};
}

Result<PackageFiles> PackageCollector::finish() && {
  if (const std::string folder = common_folder(files_); !folder.empty()) {
    PackageFiles inside;
    for (auto& [path, content] : files_) inside.emplace(path.substr(folder.size()), std::move(content));
    if (!inside.contains(kPackageManifest)) return no_manifest(inside);
    return inside;
  }
  if (!files_.contains(kPackageManifest)) return no_manifest(files_);
  return std::move(files_);
}

Status check_package(const PackageFiles& files, const PackageLimits& limits) {
  if (!files.contains(kPackageManifest)) return no_manifest(files);
  PackageCollector collector(limits);
  for (const auto& [path, content] : files) {
    JL_CHECK(collector.count(path));
    if (path.ends_with('/') || is_left_out(path) || !is_package_file(path))
      return Error(Errc::invalid, quoted(path) + " is not a file that packages use");
    JL_CHECK(collector.begin(path));
    JL_CHECK(collector.append(content));
  }
  return {};
}

}  // namespace jl::text
