#include "daemon/store/info_log.hpp"

#include "common/base/time.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace jl::store {

InfoLog::InfoLog(std::string folder)
    : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), path_(std::move(folder) + "/LOG") {
  open();
}

InfoLog::~InfoLog() {
  if (fd_ >= 0) ::close(fd_);
}

void InfoLog::open() {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info {};
  size_ = fd_ >= 0 && ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

void InfoLog::Logv(const char* format, va_list arguments) {
  std::array<char, 1024> text{};
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (length <= 0) return;
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  std::string line = format_time(now) + " ";
  line.append(text.data(), std::min(static_cast<std::size_t>(length), text.size() - 1));
  if (line.back() != '\n') line.push_back('\n');

  const std::lock_guard lock(mutex_);
  if (size_ + line.size() > kMaxBytes) {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (::rename(path_.c_str(), (path_ + ".old").c_str()) == 0) open();
  }
  if (fd_ < 0) return;
  const auto written = ::write(fd_, line.data(), line.size());
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
}

rocksdb::Status InfoLog::CloseImpl() {
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  return rocksdb::Status::OK();
}

}  // namespace jl::store
