// Archives and folders of packages: what is taken, and everything that is turned away.
#include "daemon/codec/package/archive.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace jl::codec::package {
namespace {

using test::zip;
using test::ZipEntry;
namespace fs = std::filesystem;

ZipEntry manifest() { return {"protocol.json", "{}"}; }

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "jl-package-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, std::string_view content = "x") const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << content;
  }
  fs::path path;
};

Errc code_of(const Result<Files>& result) { return result ? Errc::count_ : result.error().code; }

std::vector<std::string> paths(const Result<Files>& result) {
  std::vector<std::string> out;
  if (result) {
    for (const auto& [path, content] : *result) out.push_back(path);
  }
  return out;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_SUITE("codec.package.archive") {
  TEST_CASE("stored and deflated files are read; what packages do not use is passed over") {
    const std::string script(100'000, 'a');
    const auto files = read_archive_bytes(zip({manifest(),
                                               {"lib/", "", false, 0, {}, {}, {}, 0040755},
                                               {"lib/crc.js", script, true, 0, {}, {}, {}, 0100644},
                                               {"docs/tcp.md", "# TCP"},
                                               {"lib/crc.mjs", ""},
                                               {"icon.png", "\x89PNG"},
                                               {"types.d.ts", "declare"},
                                               {"LICENSE", "..."},
                                               {".git/config.json", "{}"},
                                               {"node_modules/x/index.js", "x"},
                                               {"__MACOSX/lib/._crc.js", "x"}}));
    REQUIRE(files.has_value());
    CHECK(paths(files) == Paths{"docs/tcp.md", "lib/crc.js", "lib/crc.mjs", "protocol.json"});
    CHECK(files->at("lib/crc.js") == script);
    CHECK(files->at("protocol.json") == "{}");
  }

  TEST_CASE("a single folder at the top is stepped over, and only that") {
    CHECK(paths(read_archive_bytes(zip({{"meter/protocol.json", "{}"}, {"meter/lib/a.js", "a"}}))) ==
          Paths{"lib/a.js", "protocol.json"});
    const auto two = read_archive_bytes(zip({{"meter/protocol.json", "{}"}, {"other/a.js", "a"}}));
    REQUIRE(code_of(two) == Errc::invalid);
    CHECK(two.error().message == "protocol.json is not at the top, but at \"meter/protocol.json\"");
    const auto deep = read_archive_bytes(zip({{"a/meter/protocol.json", "{}"}, {"a/b.js", "a"}}));
    CHECK(code_of(deep) == Errc::invalid);
  }

  TEST_CASE("names that lead elsewhere or that people cannot read are refused") {
    struct Row {
      const char* name;
      Errc code;
    };
    const std::string long_name = std::string(252, 'a') + ".js";
    const std::string longer_name = std::string(253, 'a') + ".js";
    std::string deep;
    for (int i = 0; i < 16; ++i) deep += "d/";
    const std::string deeper = "d/" + deep + "a.js";
    deep += "a.js";
    const Row rows[]{{"../a.js", Errc::invalid},
                     {"lib/../../a.js", Errc::invalid},
                     {"..", Errc::invalid},
                     {"/etc/a.js", Errc::invalid},
                     {"C:/a.js", Errc::invalid},
                     {"c:a.js", Errc::invalid},
                     {"lib\\a.js", Errc::invalid},
                     {"..\\a.js", Errc::invalid},
                     {"a//b.js", Errc::invalid},
                     {"./a.js", Errc::invalid},
                     {"a\nb.js", Errc::invalid},
                     {"a\x1b[2J.js", Errc::invalid},
                     {"\xC0\xAE./a.js", Errc::invalid},
                     {"\xB2\xE2.png", Errc::invalid},
                     {"/", Errc::invalid},
                     {"", Errc::invalid},
                     {"../icon.png", Errc::invalid},
                     {".git/../a", Errc::invalid},
                     {"协议/表.js", Errc::count_},
                     {"a..b.js", Errc::count_},
                     {long_name.c_str(), Errc::count_},
                     {longer_name.c_str(), Errc::too_large},
                     {deep.c_str(), Errc::count_},
                     {deeper.c_str(), Errc::too_large}};
    for (const Row& row : rows) {
      CAPTURE(row.name);
      CHECK(code_of(read_archive_bytes(zip({manifest(), {row.name, "x"}}))) == row.code);
    }
  }

  TEST_CASE("a name that stands twice is refused, whatever its content") {
    CHECK(code_of(read_archive_bytes(zip({manifest(), {"a.js", "1"}, {"b.js", "2"}, {"a.js", "1"}}))) == Errc::invalid);
    CHECK(code_of(read_archive_bytes(zip({manifest(), {"a.js", "1"}, {"A.js", "2"}}))) == Errc::count_);
    const auto twice = read_archive_bytes(zip({manifest(), {"x.png", "1"}, {"x.png", "2"}}));
    REQUIRE(code_of(twice) == Errc::invalid);
    CHECK(twice.error().message == "\"x.png\" stands twice");
  }

  TEST_CASE("links, devices, encrypted entries and unknown compression are refused") {
    const auto with_mode = [](int mode) {
      ZipEntry entry{"a.js", "/etc/passwd"};
      entry.mode = static_cast<std::uint16_t>(mode);
      return code_of(read_archive_bytes(zip({manifest(), entry})));
    };
    CHECK(with_mode(0100644) == Errc::count_);
    CHECK(with_mode(0) == Errc::count_);
    for (const int mode : {0120777, 0020644, 0060644, 0010644, 0140755}) CHECK(with_mode(mode) == Errc::invalid);

    ZipEntry encrypted{"a.js", std::string(20, 'x')};
    encrypted.flags = 1;
    CHECK(code_of(read_archive_bytes(zip({manifest(), encrypted}))) == Errc::invalid);
    for (const int method : {1, 6, 9, 12, 14, 93, 95, 99, 0x7777}) {
      CAPTURE(method);
      ZipEntry packed{"a.js", std::string(20, 'x')};
      packed.method = static_cast<std::uint16_t>(method);
      CHECK(code_of(read_archive_bytes(zip({manifest(), packed}))) == Errc::invalid);
    }
  }

  TEST_CASE("bombs stop at the limits, whatever they declare") {
    ZipEntry bomb{"a.js", std::string(std::size_t{64} << 20u, '\0'), true};
    const std::string honest = zip({manifest(), bomb});
    CHECK(honest.size() < 100'000);
    const auto large = read_archive_bytes(honest);
    REQUIRE(code_of(large) == Errc::too_large);
    CHECK(large.error().message == "\"a.js\" is larger than 4 MiB");
    bomb.size = 10;
    const auto lying = code_of(read_archive_bytes(zip({manifest(), bomb})));
    CHECK((lying == Errc::too_large || lying == Errc::invalid));

    // Each entry is within its own limit, and they share one piece of data.
    std::vector<ZipEntry> many{manifest(), {"0.js", std::string(std::size_t{4} << 20u, '\0'), true}};
    for (int i = 1; i < 20; ++i) {
      ZipEntry twin = many[1];
      twin.name = std::to_string(i) + ".js";
      twin.shares_with = 1;
      many.push_back(std::move(twin));
    }
    const auto overlapping = read_archive_bytes(zip(many));
    REQUIRE(code_of(overlapping) == Errc::too_large);
    CHECK(overlapping.error().message == "all files together are larger than 16 MiB");
    CHECK(read_archive_bytes(zip({many.begin(), many.begin() + 4})).has_value());
  }

  TEST_CASE("entries are counted, those that are passed over as well") {
    std::vector<ZipEntry> entries{manifest()};
    for (int i = 1; i < 1000; ++i) entries.push_back({"p" + std::to_string(i) + ".png", ""});
    CHECK(read_archive_bytes(zip(entries)).has_value());
    entries.push_back({".hidden", ""});
    CHECK(code_of(read_archive_bytes(zip(entries))) == Errc::too_large);
  }

  TEST_CASE("damaged archives are refused: CRC, size, every truncation, no archive at all") {
    ZipEntry wrong{"a.js", "let a = 1;", true};
    wrong.crc = 0x12345678;
    const auto crc = read_archive_bytes(zip({manifest(), wrong}));
    REQUIRE(code_of(crc) == Errc::invalid);
    CHECK(crc.error().message == "\"a.js\" cannot be unpacked: CRC error");
    ZipEntry absurd{"a.js", "let a = 1;", true};
    absurd.size = 0xFFFFFFF0;
    CHECK(code_of(read_archive_bytes(zip({manifest(), absurd}))) == Errc::invalid);

    const std::string good = zip({manifest(), {"a.js", std::string(50, 'a'), true}});
    for (std::size_t length = 0; length < good.size(); ++length) {
      CAPTURE(length);
      CHECK(code_of(read_archive_bytes(std::string_view(good).substr(0, length))) == Errc::invalid);
    }
    CHECK(code_of(read_archive_bytes(std::string(100'000, 'P'))) == Errc::invalid);
    CHECK(code_of(read_archive_bytes("")) == Errc::invalid);
    CHECK(code_of(read_archive_bytes(zip({}))) == Errc::invalid);  // empty: no protocol.json
  }

  TEST_CASE("one flipped byte anywhere never does harm, and never changes what is read unnoticed") {
    const std::string good = zip({manifest(), {"lib/a.js", std::string(40, 'a') + "b", true}});
    const Files expected = *read_archive_bytes(good);
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const char bits : {'\x01', '\x80', '\xFF'}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ bits);
        const auto files = read_archive_bytes(bad);
        if (!files) continue;
        for (const auto& [path, content] : *files) {
          const bool same = std::ranges::any_of(expected, [&](const auto& f) { return f.second == content; });
          CHECK(same);  // a name may change, content has its CRC
        }
      }
    }
  }

  TEST_CASE("a ZIP64 end record that claims more than fits costs no memory [APPNOTE 4.3.14]") {
    CHECK(paths(read_archive_bytes(zip({manifest(), {"a.js", "1"}}, 2))) == Paths{"a.js", "protocol.json"});
    for (const std::uint64_t claimed : {std::uint64_t{1} << 24u, std::uint64_t{1} << 33u, ~std::uint64_t{0}}) {
      const auto result = read_archive_bytes(zip({manifest()}, claimed));
      REQUIRE(code_of(result) == Errc::invalid);
      CHECK(result.error().message == "not a zip archive: its ZIP64 end record claims more entries than fit in it");
    }
  }

  TEST_CASE("Java packages are told apart by their names, however large [access 3.2]") {
    std::vector<ZipEntry> jar{{"META-INF/", ""}, {"META-INF/MANIFEST.MF", "Manifest-Version: 1.0"}};
    for (int i = 0; i < 3000; ++i) jar.push_back({"org/example/C" + std::to_string(i) + ".class", "\xCA\xFE\xBA\xBE"});
    jar.push_back({"big.bin", std::string(std::size_t{30} << 20u, 'x')});
    const auto result = read_archive_bytes(zip(jar));
    REQUIRE(code_of(result) == Errc::unsupported);
    CHECK(result.error().message.find("Java package") != std::string::npos);
    CHECK(result.error().hint.find("jlctl protocol init") != std::string::npos);
    CHECK(code_of(read_archive_bytes(zip({{"META-INF/services/x", "y"}}))) == Errc::unsupported);
    CHECK(code_of(read_archive_bytes(zip({{"a/B.class", "y"}, {"a/x.js", ""}}))) == Errc::unsupported);
    CHECK(code_of(read_archive_bytes(zip({{"B.class", ""}, {"lib/protocol.json", "{}"}}))) == Errc::unsupported);
    CHECK(read_archive_bytes(zip({{"META-INF/MANIFEST.MF", "made by jar"}, manifest()})).has_value());
    CHECK(read_archive_bytes(zip({{"META-INF/MANIFEST.MF", "made by jar"}, {"m/protocol.json", "{}"}})).has_value());
  }

  TEST_CASE("files are read from disk up to 64 MiB, and only files") {
    const Folder folder;
    const std::string path = (folder.path / "a.zip").string();
    CHECK(code_of(read_archive(path)) == Errc::not_found);
    folder.write("a.zip", zip({manifest()}));
    CHECK(paths(read_archive(path)) == Paths{"protocol.json"});
    CHECK(code_of(read_archive(folder.path.string())) == Errc::invalid);
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(kMaxArchive) + 1) == 0);
    CHECK(code_of(read_archive(path)) == Errc::too_large);
    const std::string fifo = (folder.path / "fifo").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(code_of(read_archive(fifo)) == Errc::invalid);
  }
}

TEST_SUITE("codec.package.folder") {
  TEST_CASE("a folder gives its files; hidden ones, node_modules and what is not used are left out") {
    const Folder folder;
    for (const char* name : {"protocol.json", "main.js", "lib/a/b.mjs", "docs/tcp.md", "tests/a.json"})
      folder.write(name);
    for (const char* name : {".git/x.js", ".hidden.js", "node_modules/a/b.js", "a.png", "LICENSE", "x.d.ts"})
      folder.write(name);
    fs::create_symlink("/etc/passwd", folder.path / ".link.js");
    CHECK(paths(read_folder(folder.path.string())) ==
          Paths{"docs/tcp.md", "lib/a/b.mjs", "main.js", "protocol.json", "tests/a.json"});
  }

  TEST_CASE("links and special files are refused, even where they lead back inside") {
    for (const char* target : {"/etc/passwd", "main.js", "lib", "nowhere"}) {
      CAPTURE(target);
      const Folder folder;
      for (const char* name : {"protocol.json", "main.js", "lib/a.js"}) folder.write(name);
      fs::create_symlink(target, folder.path / "link.js");
      const auto result = read_folder(folder.path.string());
      REQUIRE(code_of(result) == Errc::invalid);
      CHECK(result.error().message.find("symbolic link") != std::string::npos);
    }
    const Folder folder;
    folder.write("protocol.json");
    REQUIRE(::mkfifo((folder.path / "pipe.js").c_str(), 0600) == 0);
    CHECK(code_of(read_folder(folder.path.string())) == Errc::invalid);
  }

  TEST_CASE("the limits hold for folders too; each is named") {
    struct Row {
      const char* name;
      std::size_t bytes;
      const char* message;
    };
    const ArchiveLimits limits{4, 100, 150, 20, 3};
    const Row rows[]{{"a.js", 100, ""},
                     {"a.js", 101, "\"a.js\" is larger than 100 bytes"},
                     {"b/c.js", 90, "all files together are larger than 150 bytes"},
                     {"a/b/c/d.js", 1, "there are more than 4 files and folders"},
                     {"a-long-name-of-a-file.js", 1, "\"a-long-name-of-a-file.js\" is a path of 24 bytes; at most 20"}};
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const Folder folder;
      folder.write("protocol.json", std::string(std::string_view(row.name) == "b/c.js" ? 70 : 2, 'x'));
      folder.write(row.name, std::string(row.bytes, 'x'));
      const auto result = read_folder(folder.path.string(), limits);
      CHECK(std::string(result ? "" : result.error().message) == row.message);
    }
  }

  TEST_CASE("what is no folder, or cannot be one, is said") {
    const Folder folder;
    CHECK(code_of(read_folder((folder.path / "none").string())) == Errc::not_found);
    folder.write("file");
    CHECK(code_of(read_folder((folder.path / "file").string())) == Errc::invalid);
    CHECK(code_of(read_folder(folder.path.string())) == Errc::invalid);  // no protocol.json
  }

  TEST_CASE("files that came some other way are held to the same rules") {
    CHECK(check_files({{"protocol.json", "{}"}, {"lib/a.js", ""}}).has_value());
    CHECK(check_files({{"a.js", ""}}).error().code == Errc::invalid);
    CHECK(check_files({{"protocol.json", "{}"}, {"../a.js", ""}}).error().code == Errc::invalid);
    CHECK(check_files({{"protocol.json", "{}"}, {"a.so", ""}}).error().code == Errc::invalid);
    CHECK(check_files({{"protocol.json", "{}"}, {".a.js", ""}}).error().code == Errc::invalid);
    CHECK(check_files({{"protocol.json", std::string(std::size_t{5} << 20u, ' ')}}).error().code == Errc::too_large);
  }
}
}  // namespace jl::codec::package
