// Files that are open to be sent.
#include "daemon/network/open_file.hpp"

#include "tests/support/temp_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <fstream>
#include <string>

namespace jl::network {
namespace {

TEST_SUITE("network.open_file") {
  TEST_CASE("an open file has its size and time, gives its bytes from anywhere, and is closed with its last owner") {
    const jl::test::TempFolder folder;
    const std::string path = folder.path() + "/f";
    std::ofstream(path) << "0123456789";
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{1'700'000'000, 123'000'000}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
    auto file = OpenFile::open(path);
    REQUIRE(file.has_value());
    CHECK((*file)->size() == 10);
    CHECK((*file)->modified() == 1'700'000'000'123);
    std::array<char, 6> buffer{};
    CHECK(*(*file)->read_at(2, buffer) == 6);
    CHECK(std::string(buffer.data(), 6) == "234567");
    CHECK(*(*file)->read_at(7, buffer) == 3);
    CHECK(*(*file)->read_at(10, buffer) == 0);
    CHECK(*(*file)->read_at(1'000'000, buffer) == 0);
    CHECK_FALSE((*file)->read_at(UINT64_MAX, buffer).has_value());  // no place in a file
    const int fd = (*file)->fd();
    CHECK(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
    file->reset();
    CHECK(::fcntl(fd, F_GETFD) == -1);
  }

  TEST_CASE("what is no regular file is not opened, and nothing waits for a pipe") {
    const jl::test::TempFolder folder;
    const std::string pipe = folder.path() + "/pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(OpenFile::open(pipe).error().code == Errc::invalid);
    CHECK(OpenFile::open(folder.path()).error().code == Errc::invalid);
    CHECK(OpenFile::open(folder.path() + "/none").error().code == Errc::not_found);
    CHECK(OpenFile::open(pipe + "/x").error().code == Errc::not_found);
  }
}

}  // namespace
}  // namespace jl::network
