#pragma once
// RocksDB's own log, `LOG` in the state folder: warnings and errors, at most 1 MiB and one older file of that size.
// RocksDB's logger is not used because Debian's build has assertions on, and that logger aborts the process with the
// first line after one that it could not write (a full disk). This one drops what it cannot write. Any thread.
#include <rocksdb/env.h>
#include <cstdarg>
#include <cstdint>
#include <mutex>
#include <string>

namespace jl::store {

class InfoLog final : public rocksdb::Logger {
 public:
  static constexpr std::uint64_t kMaxBytes = 1u << 20u;

  explicit InfoLog(std::string folder);
  ~InfoLog() override;
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  /// Every start would print all options of all families: left out.
  void LogHeader(const char*, va_list) override {}

 protected:
  rocksdb::Status CloseImpl() override;

 private:
  void open();

  std::mutex mutex_;
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace jl::store
