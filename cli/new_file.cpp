#include "cli/new_file.hpp"

#include "cli/output/sink.hpp"
#include "cli/signals.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace jl::cli {

NewFile::~NewFile() {
  forget_file();
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Status NewFile::open() {
  ::unlink(temporary_.c_str());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_);
  if (fd_ < 0) return failure();
  remove_file_on_signal(temporary_);
  return {};
}

Status NewFile::finish() {
  if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) return failure();
  ::close(fd_);
  fd_ = -1;
  return {};
}

Error NewFile::failure() const {
  return {Errc::output, "\"" + path_ + "\" cannot be written: " + std::strerror(errno)};
}

Status write_new_file(const std::string& path, std::string_view text) {
  NewFile file(path, 0600);
  JL_CHECK(file.open());
  if (const int error = write_all(file.fd(), text)) {
    errno = error;
    return file.failure();
  }
  return file.finish();
}

}  // namespace jl::cli
