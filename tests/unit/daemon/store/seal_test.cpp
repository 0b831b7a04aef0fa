#include "daemon/store/seal.hpp"

#include "tests/unit/daemon/store/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <fstream>
#include <set>

using namespace jl;
using namespace jl::test;
using jl::store::Sealer;

namespace {
constexpr std::array<unsigned char, 32> kKey = {1, 2, 3};
constexpr std::array<unsigned char, 32> kOtherKey = {1, 2, 4};
constexpr const char* kContext = "device/dev-1/configuration.secureKey";

Errc code(const Result<Secret>& result) { return result ? Errc::count_ : result.error().code; }

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_key(const std::string& path, std::size_t size, mode_t mode) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << std::string(size, 'k');
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}
}  // namespace

TEST_SUITE("store.seal") {
  TEST_CASE("what is sealed is unsealed again, whatever its length and bytes") {
    const Sealer sealer(kKey);
    for (const std::size_t size : {0u, 1u, 2u, 3u, 15u, 16u, 17u, 1000u, 70000u}) {
      CAPTURE(size);
      std::string plain;
      for (std::size_t i = 0; i < size; ++i) plain.push_back(static_cast<char>(i));
      const auto sealed = sealer.seal(plain, kContext);
      CHECK(Sealer::is_sealed(sealed));
      const auto opened = sealer.unseal(sealed, kContext);
      REQUIRE(opened.has_value());
      CHECK(opened->reveal() == plain);
    }
  }

  TEST_CASE("a sealed text shows nothing of the secret and is never the same twice") {
    const Sealer sealer(kKey);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
      const auto sealed = sealer.seal("correct horse", kContext);
      CHECK(sealed.starts_with("sealed1:"));
      CHECK(sealed.find("horse") == std::string::npos);
      seen.insert(sealed);
    }
    CHECK(seen.size() == 100);
  }

  TEST_CASE("another context or another key does not open it") {
    const Sealer sealer(kKey);
    const auto sealed = sealer.seal("secret", kContext);
    CHECK(code(sealer.unseal(sealed, "device/dev-2/configuration.secureKey")) == Errc::corrupt);
    CHECK(code(sealer.unseal(sealed, "")) == Errc::corrupt);
    CHECK(code(Sealer(kOtherKey).unseal(sealed, kContext)) == Errc::corrupt);
    CHECK(code(Sealer(kKey).unseal(sealed, kContext)) == Errc::count_);
  }

  TEST_CASE("a change at any place, of any bit, is noticed") {
    const Sealer sealer(kKey);
    for (const auto* plain : {"", "s", "se", "sec"}) {  // every padding of base64
      const auto sealed = sealer.seal(plain, kContext);
      for (std::size_t at = 0; at < sealed.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
          auto changed = sealed;
          changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1u << bit));
          CAPTURE(changed);
          CHECK(code(sealer.unseal(changed, kContext)) == Errc::corrupt);
        }
      }
    }
  }

  TEST_CASE("a text that is cut, stretched or not sealed at all does not open") {
    const Sealer sealer(kKey);
    const auto sealed = sealer.seal("secret", kContext);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
      CAPTURE(size);
      CHECK(code(sealer.unseal(sealed.substr(0, size), kContext)) == Errc::corrupt);
    }
    for (const auto* more : {"=", "A", "AAAA", " ", "\n", "===="}) {
      CAPTURE(more);
      CHECK(code(sealer.unseal(sealed + more, kContext)) == Errc::corrupt);
    }
    CHECK(code(sealer.unseal("secret", kContext)) == Errc::corrupt);
    CHECK(code(sealer.unseal("sealed1:====", kContext)) == Errc::corrupt);
    CHECK_FALSE(Sealer::is_sealed("secret"));
    CHECK_FALSE(Sealer::is_sealed("sealed"));
  }

  TEST_CASE("a fingerprint is 16 hex digits, the same for the same secret and key only") {
    const Sealer sealer(kKey);
    const auto print = sealer.fingerprint("secret");
    CHECK(print.size() == 16);
    CHECK(print.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(Sealer(kKey).fingerprint("secret") == print);
    CHECK(sealer.fingerprint("secret2") != print);
    CHECK(Sealer(kOtherKey).fingerprint("secret") != print);
    // HMAC-SHA256(HMAC-SHA256(key, "fingerprint"), "secret"), from another implementation.
    CHECK(print == "9ed1014d224d2564");
  }

  TEST_CASE("a missing key file is made once, for its owner only, and kept") {
    const TempFolder folder;
    const auto path = folder / "secret.key";
    const auto first = Sealer::open(path);
    REQUIRE(first.has_value());
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777u) == 0600);
    const auto key = file_text(path);
    CHECK(key.size() == 32);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
    const auto second = Sealer::open(path);
    REQUIRE(second.has_value());
    CHECK(file_text(path) == key);
    CHECK(second->unseal(first->seal("secret", kContext), kContext)->reveal() == "secret");
    const auto other = Sealer::open(folder / "other.key");
    REQUIRE(other.has_value());
    CHECK(file_text(folder / "other.key") != key);
  }

  TEST_CASE("a draft that a crash left does not matter") {
    const TempFolder folder;
    write_key(folder / "secret.key.new", 5, 0600);
    CHECK(Sealer::open(folder / "secret.key").has_value());
    CHECK(file_text(folder / "secret.key").size() == 32);
  }

  TEST_CASE("a key file that others can read or write is refused") {
    const TempFolder folder;
    const auto path = folder / "secret.key";
    for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0610, 0440}) {
      CAPTURE(mode);
      write_key(path, 32, mode);
      const auto result = Sealer::open(path);
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().code == Errc::denied);
    }
    for (const mode_t mode : {0600, 0400}) {
      CAPTURE(mode);
      write_key(path, 32, mode);
      CHECK(Sealer::open(path).has_value());
    }
    REQUIRE(::symlink(path.c_str(), (folder / "link").c_str()) == 0);
    CHECK(Sealer::open(folder / "link").error().code == Errc::denied);
    if (::geteuid() == 0) {  // only root can give a file away
      REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
      CHECK(Sealer::open(path).error().code == Errc::denied);
    }
  }

  TEST_CASE("a systemd credential may be readable for the group, which is how its access list shows") {
    const TempFolder folder;
    REQUIRE(::mkdir((folder / "credentials").c_str(), 0700) == 0);
    write_key(folder / "credentials/key", 32, 0440);
    CHECK(Sealer::open(folder / "credentials/key").error().code == Errc::denied);
    REQUIRE(::setenv("CREDENTIALS_DIRECTORY", (folder / "credentials").c_str(), 1) == 0);
    CHECK(Sealer::open(folder / "credentials/key").has_value());
    REQUIRE(::chmod((folder / "credentials/key").c_str(), 0444) == 0);
    CHECK(Sealer::open(folder / "credentials/key").error().code == Errc::denied);
    REQUIRE(::unsetenv("CREDENTIALS_DIRECTORY") == 0);
  }

  TEST_CASE("a key file of the wrong size is corrupt, and is not replaced") {
    const TempFolder folder;
    for (const std::size_t size : {0u, 31u, 33u, 64u}) {
      CAPTURE(size);
      write_key(folder / "secret.key", size, 0600);
      CHECK(Sealer::open(folder / "secret.key").error().code == Errc::corrupt);
      CHECK(file_text(folder / "secret.key").size() == size);
    }
  }

  TEST_CASE("a key file that cannot be made is a storage error") {
    const TempFolder folder;
    CHECK(Sealer::open(folder / "missing/secret.key").error().code == Errc::storage);
    CHECK(Sealer::open(folder.path()).error().code == Errc::denied);
  }
}
