#include "cli/docgen/docgen.hpp"

#include "cli/args.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/docgen/man.hpp"
#include "cli/help.hpp"
#include "cli/output/sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace jl::cli {

std::map<std::string, std::string> generated_documents() {
  std::map<std::string, std::string> out;
  out["completions/jlctl.bash"] = completion_script("bash");
  out["completions/_jlctl"] = completion_script("zsh");
  out["completions/jlctl.fish"] = completion_script("fish");
  out["man/jlctl.1"] = main_page();
  for (const std::string& noun : nouns()) out["man/" + manual_page(noun) + ".1"] = noun_page(noun);
  return out;
}

Status write_documents(const std::string& folder) {
  const auto failure = [](const std::string& path, int error) {
    return Error(Errc::output, "\"" + path + "\" cannot be written: " + std::strerror(error));
  };
  for (const auto& [name, text] : generated_documents()) {
    const std::string path = folder + "/" + name;
    const std::string parent = path.substr(0, path.rfind('/'));
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return failure(parent, errno);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return failure(path, errno);
    int error = write_all(fd, text);
    if (::close(fd) != 0 && error == 0) error = errno;
    if (error != 0) return failure(path, error);
  }
  return {};
}

}  // namespace jl::cli
