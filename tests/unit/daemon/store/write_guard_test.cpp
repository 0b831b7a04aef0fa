#include "daemon/store/write_guard.hpp"

#include "daemon/store/info_log.hpp"
#include "tests/unit/daemon/store/temp_folder.hpp"

#include <fstream>
#include <string>

using namespace jl::store;
using jl::test::TempFolder;
using Use = SpaceGuard::Use;
using Reason = rocksdb::BackgroundErrorReason;

namespace {
constexpr std::uint64_t kMiB = 1u << 20u;

bool log_failed(Reason reason, const std::string& text) {
  LogFailure failure;
  auto status = rocksdb::Status::IOError(text);
  failure.OnBackgroundError(reason, &status);
  bool recover = true;
  failure.OnErrorRecoveryBegin(reason, status, &recover);
  CHECK(recover == !failure.happened());
  return failure.happened();
}

void print(rocksdb::Logger& log, const std::string& text) { rocksdb::Warn(&log, "%s", text.c_str()); }
}  // namespace

TEST_SUITE("store.guard") {
  TEST_CASE("little space refuses devices first, then people, and both are served again when there is more") {
    SpaceGuard::Space space{1000 * kMiB, 1000 * kMiB};  // 50 MiB are kept free
    SpaceGuard guard([&] { return space; });
    std::int64_t now = -5;
    const auto allowed = [&](std::uint64_t free) {
      space.free = free;
      now += SpaceGuard::kPauseMillis;
      return std::to_string(guard.allows(Use::record, now)) + std::to_string(guard.allows(Use::change, now));
    };
    CHECK(allowed(1000 * kMiB) == "11");
    CHECK(allowed(50 * kMiB) == "11");
    CHECK(allowed(50 * kMiB - 1) == "01");
    CHECK(allowed(25 * kMiB) == "01");
    CHECK(allowed(25 * kMiB - 1) == "00");
    CHECK(allowed(0) == "00");
    CHECK(allowed(60 * kMiB) == "11");
  }

  TEST_CASE("the file system is looked at once in a while only") {
    int looks = 0;
    SpaceGuard guard([&] { return ++looks, SpaceGuard::Space{kMiB, kMiB}; });
    CHECK_FALSE(guard.allows(Use::record, 1000));
    for (std::int64_t now = 1000; now < 1000 + SpaceGuard::kPauseMillis; ++now) {
      CHECK_FALSE(guard.allows(Use::change, now));
    }
    CHECK(looks == 1);
    CHECK_FALSE(guard.allows(Use::change, 1000 + SpaceGuard::kPauseMillis));
    CHECK(looks == 2);
  }

  TEST_CASE("the space kept free is a part of the file system within bounds") {
    CHECK(SpaceGuard::reserve(0) == 24 * kMiB);
    CHECK(SpaceGuard::reserve(1000 * kMiB) == 50 * kMiB);
    CHECK(SpaceGuard::reserve(UINT64_MAX) == 96 * kMiB);
  }

  TEST_CASE("space is measured where the folder is; what cannot be measured has space") {
    const TempFolder folder;
    const auto space = SpaceGuard::measure(folder.path());
    CHECK(space.total > 0);
    CHECK(space.free <= space.total);
    SpaceGuard guard([&] { return SpaceGuard::measure(folder / "missing"); });
    CHECK(guard.allows(Use::record, 0));
  }

  TEST_CASE("only an error of the write-ahead log counts as its failure") {
    CHECK(log_failed(Reason::kWriteCallback, "While appending to file: /state/000012.log: No space left on device"));
    CHECK(log_failed(Reason::kWriteCallback, "While fdatasync: /a.sst/000012.log: Input/output error"));
    CHECK(log_failed(Reason::kWriteCallback, "who knows"));
    CHECK_FALSE(log_failed(Reason::kWriteCallback, "While appending to file: /x.log/000043.sst: No space left"));
    CHECK_FALSE(log_failed(Reason::kWriteCallback, "While appending to file: /state/MANIFEST-000004: No space left"));
    CHECK_FALSE(log_failed(Reason::kFlush, "While fdatasync: /state/000012.log: Input/output error"));
    CHECK_FALSE(log_failed(Reason::kCompaction, "who knows"));
  }

  TEST_CASE("RocksDB's log has a time on each line, is cut at its size, and keeps one older file") {
    const TempFolder folder;
    {
      InfoLog log(folder.path());
      print(log, "first");
    }
    InfoLog log(folder.path());
    print(log, "second");
    std::string line;
    std::ifstream in(folder / "LOG");
    REQUIRE(std::getline(in, line));
    CHECK(line.ends_with("Z [WARN] first"));
    REQUIRE(std::getline(in, line));
    CHECK(line.ends_with("Z [WARN] second"));
    for (int i = 0; i < 3000; ++i) print(log, std::string(5000, 'x'));
    CHECK(std::filesystem::file_size(folder / "LOG") <= InfoLog::kMaxBytes);
    CHECK(std::filesystem::file_size(folder / "LOG.old") <= InfoLog::kMaxBytes);
    CHECK(std::filesystem::file_size(folder / "LOG.old") > InfoLog::kMaxBytes - 2000);
  }

  TEST_CASE("RocksDB's log in a folder that cannot be written drops its lines") {
    InfoLog log("/proc/nowhere");
    print(log, "lost");
    CHECK(log.Close().ok());
    print(log, "lost too");
  }
}
