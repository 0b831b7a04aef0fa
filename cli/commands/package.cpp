// Protocol packages as folders and archives, without a daemon.
#include "cli/commands/handlers.hpp"
#include "cli/new_file.hpp"
#include "cli/package_files.hpp"
#include "cli/package_template.hpp"
#include "common/base/words.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace jl::cli {
namespace {

namespace fs = std::filesystem;

Error cannot_write(const fs::path& path, const std::string& why) {
  return {Errc::output, "\"" + path.string() + "\" cannot be written: " + why};
}

// O_EXCL: what appeared since it was looked for stays, too.
Status write_new(const fs::path& path, std::string_view content) {
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  if (ec) return cannot_write(path, ec.message());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return cannot_write(path, std::strerror(errno));
  int error = write_all(fd, content);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) return cannot_write(path, std::strerror(error));
  return {};
}

Result<std::string> package_id(const Context& context, const std::string& folder) {
  const auto given = context.args.value("id");
  const std::string id = given.value_or(folder_name(folder));
  if (is_valid_id(id)) return id;
  return Error(Errc::usage, "\"" + id + "\" is not an id: letters, digits, \".\", \"_\" and \"-\", at most 64",
               given ? "" : "the folder's name is the id unless --id says another");
}

Status check_free(const fs::path& folder, const text::PackageFiles& files) {
  for (const auto& [path, content] : files) {
    std::error_code ec;
    const auto status = fs::symlink_status(folder / path, ec);
    if (fs::exists(status))
      return Error(Errc::already_exists, "\"" + (folder / path).string() + "\" exists; nothing was written",
                   "name another folder");
  }
  return {};
}

}  // namespace

Result<int> run_protocol_init(Context& context) {
  const std::string& name = context.args.words().front();
  JL_TRY(const std::string id, package_id(context, name));
  const text::PackageFiles files = package_template(context.args.value("transport").value_or("TCP"), id);
  const fs::path folder(name);
  JL_CHECK(check_free(folder, files));
  json::array items;
  for (const auto& [path, content] : files) {
    JL_CHECK(write_new(folder / path, content));
    items.push_back(json::object{{"file", (folder / path).string()}, {"bytes", content.size()}});
  }
  JL_CHECK(context.out.list(view_of(context.args.command()), json::object{{"items", std::move(items)}}));
  context.console.note("pack it with: jlctl protocol pack " + name);
  return kExitOk;
}

Result<int> run_protocol_pack(Context& context) {
  const std::string& folder = context.args.words().front();
  const std::string path = context.args.value("file").value_or(folder_name(folder) + ".zip");
  if (path == ".zip") return Error(Errc::usage, "\"" + folder + "\" has no name", "name the archive with -f FILE");
  if (path == "-" && context.env.out_is_tty)
    return Error(Errc::usage, "an archive does not go to a terminal", "name a file with -f FILE, or send it on");
  JL_TRY(const text::PackageFiles files, collect_package(folder));
  const std::string archive = pack_zip(files);
  if (path == "-") {
    context.out.sink().write(archive);
    return kExitOk;
  }
  NewFile file(path, 0666);
  JL_CHECK(file.open());
  if (const int error = write_all(file.fd(), archive); error != 0) {
    errno = error;
    return file.failure();
  }
  JL_CHECK(file.finish());
  JL_CHECK(context.out.one(view_of(context.args.command()),
                           json::object{{"file", path}, {"files", files.size()}, {"bytes", archive.size()}}));
  return kExitOk;
}

}  // namespace jl::cli
