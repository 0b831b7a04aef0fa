#include "daemon/control/socket_file.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <sys/stat.h>
#include <fstream>

using namespace jl;
using namespace jl::test;
using control::SocketFile;

namespace {

struct stat look(const std::string& path) {
  struct stat out {};
  REQUIRE(::lstat(path.c_str(), &out) == 0);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("control.socket_file");

TEST_CASE("the socket is 0660 whatever the umask, and no other file stays [cli 51]") {
  const Folder folder;
  for (const mode_t mask : {mode_t{0}, mode_t{0077}}) {
    const mode_t before = ::umask(mask);
    const auto file = SocketFile::listen(folder / "s", "");
    ::umask(before);
    REQUIRE(file.has_value());
    const auto made = look(folder / "s");
    CHECK(S_ISSOCK(made.st_mode));
    CHECK((made.st_mode & 07777u) == 0660u);
    CHECK(folder.entries() == 1);
    CHECK(RawClient(folder / "s").is_connected());
  }
  CHECK(folder.entries() == 0);
}

TEST_CASE("the socket belongs to the group by name or number; an unknown one is refused") {
  const Folder folder;
  const gid_t own = ::getegid();
  const auto file = SocketFile::listen(folder / "s", std::to_string(own));
  REQUIRE(file.has_value());
  CHECK(look(folder / "s").st_gid == own);
  if (::geteuid() == 0) {
    const auto other = SocketFile::listen(folder / "t", "4321");
    REQUIRE(other.has_value());
    CHECK(look(folder / "t").st_gid == 4321);
  }
  const auto unknown = SocketFile::listen(folder / "u", "no-such-group-here");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == Errc::invalid);
}

TEST_CASE("a live socket is a conflict, a stale one is replaced, another file is left alone") {
  const Folder folder;
  {
    const auto first = SocketFile::listen(folder / "s", "");
    REQUIRE(first.has_value());
    const auto second = SocketFile::listen(folder / "s", "");
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::conflict);
  }
  // A socket whose daemon was killed: bound, nobody listens.
  const int stale = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder / "s";
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ::close(stale);
  {
    const auto file = SocketFile::listen(path, "");
    REQUIRE(file.has_value());
    CHECK(RawClient(path).is_connected());
  }
  std::ofstream(path) << "precious";
  const auto refused = SocketFile::listen(path, "");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::invalid);
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("paths that no socket can have, or whose folder is missing, are refused") {
  const Folder folder;
  struct Row {
    std::string path;
    Errc want;
  };
  for (const auto& row : {Row{"", Errc::invalid}, Row{folder / std::string(120, 'x'), Errc::invalid},
                          Row{folder / std::string("a\0b", 3), Errc::invalid}, Row{folder / "none/s", Errc::storage}}) {
    CAPTURE(row.path);
    const auto got = SocketFile::listen(row.path, "");
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == row.want);
  }
  const std::string longest = folder / std::string(99 - (folder / "").size(), 'x');
  CHECK(SocketFile::listen(longest, "").has_value());
}

TEST_CASE("what another daemon has put in its place is not removed") {
  const Folder folder;
  {
    auto file = SocketFile::listen(folder / "s", "");
    REQUIRE(file.has_value());
    std::filesystem::remove(folder / "s");
    std::ofstream(folder / "s") << "other";
  }
  CHECK(std::filesystem::exists(folder / "s"));
}

TEST_SUITE_END();
