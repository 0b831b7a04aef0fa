// jlctl protocol init and pack: no daemon, nothing overwritten, the same bytes every time.
#include "cli/package_files.hpp"
#include "cli/package_template.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace jl;
using namespace jl::cli::test;

namespace {

namespace fs = std::filesystem;

std::string below(const TempFolder& folder, const std::string& name) { return folder.path() + "/" + name; }

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string code_word(const Outcome& outcome) {
  const std::size_t from = outcome.err.find('[');
  return from == std::string::npos ? "" : outcome.err.substr(from + 1, outcome.err.find(']') - from - 1);
}

}  // namespace

TEST_SUITE("cli.protocol") {
  TEST_CASE("init writes the files of the transport under the id of the folder, or of --id") {
    const TempFolder temp;
    const std::string folder = below(temp, "meter");
    const auto made = run({"protocol", "init", folder});
    CHECK(made.code == 0);
    CHECK(made.err.empty());
    const auto files = cli::collect_package(folder);
    REQUIRE(files.has_value());
    CHECK(*files == cli::package_template("TCP", "meter"));

    const std::string other = below(temp, "a/b/c");
    CHECK(run({"protocol", "init", other + "/", "--transport", "coap", "--id", "x-1", "-q"}).code == 0);
    CHECK(*cli::collect_package(other) == cli::package_template("CoAP", "x-1"));
    const auto json = json::parse(run({"protocol", "init", below(temp, "m2"), "-o", "json"}).out);
    CHECK(json.at("kind") == "packageFileList");
  }

  TEST_CASE("init writes nothing at all when one of its files exists, a dangling link among them") {
    for (const bool is_link : {false, true}) {
      const TempFolder temp;
      const fs::path folder = below(temp, "meter");
      fs::create_directories(folder);
      if (is_link) {
        fs::create_symlink("/nowhere/main.js", folder / "main.js");
      } else {
        std::ofstream(folder / "main.js") << "mine";
      }
      const auto refused = run({"protocol", "init", folder.string()});
      CHECK(refused.code == info(Errc::already_exists).exit_code);
      CHECK(code_word(refused) == "already_exists");
      CHECK(refused.out.empty());
      CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
    }
    const TempFolder temp;
    const fs::path folder = below(temp, "meter");
    fs::create_directories(folder);
    std::ofstream(folder / "README") << "mine";  // in nobody's way
    CHECK(run({"protocol", "init", folder.string()}).code == 0);
  }

  TEST_CASE("init refuses ids and transports that are none") {
    const TempFolder temp;
    CHECK(run({"protocol", "init", below(temp, "bad name")}).code == 2);
    CHECK(run({"protocol", "init", below(temp, "x"), "--id", "-x"}).code == 2);
    CHECK(run({"protocol", "init", below(temp, "x"), "--transport", "SIP"}).code == 2);
    CHECK(run({"protocol", "init", "/"}).code == 2);
    CHECK_FALSE(fs::exists(below(temp, "x")));
    const std::string file = temp.file("f", "x");
    CHECK(code_word(run({"protocol", "init", file + "/meter"})) == "output");
  }

  TEST_CASE("pack gives the same bytes for the same files, whatever their times and modes") {
    const TempFolder temp;
    const std::string folder = below(temp, "meter");
    REQUIRE(run({"protocol", "init", folder, "--transport", "MQTT"}).code == 0);
    const std::string first = below(temp, "1.zip");
    const auto packed = run({"protocol", "pack", folder, "-f", first, "-o", "json"});
    REQUIRE(packed.code == 0);
    const std::string bytes = content_of(first);
    CHECK(bytes == cli::pack_zip(cli::package_template("MQTT", "meter")));
    CHECK(json::parse(packed.out).at("data") == json::value{{"file", first}, {"files", 5}, {"bytes", bytes.size()}});

    fs::last_write_time(folder + "/main.js", fs::file_time_type::clock::now() - std::chrono::hours(1000));
    REQUIRE(::chmod((folder + "/main.js").c_str(), 0700) == 0);
    for (const char* name : {".hidden.js", "icon.png", "node_modules"}) {
      const fs::path extra = fs::path(folder) / name;
      if (extra.extension().empty()) {
        fs::create_directories(extra);
        std::ofstream(extra / "index.js") << "x";
      } else {
        std::ofstream(extra) << "x";
      }
    }
    CHECK(run({"protocol", "pack", folder + "/", "-f", "-"}).out == bytes);
    CHECK(run({"protocol", "pack", folder, "-f", first}).code == 0);  // again, in its place
    CHECK(content_of(first) == bytes);
    CHECK(fs::exists(first + ".part") == false);
  }

  TEST_CASE("pack refuses a terminal, links, and folders that are no packages") {
    const TempFolder temp;
    const std::string folder = below(temp, "meter");
    REQUIRE(run({"protocol", "init", folder}).code == 0);
    Given terminal;
    terminal.out_is_tty = true;
    const auto refused = run({"protocol", "pack", folder, "-f", "-"}, terminal);
    CHECK(refused.code == 2);
    CHECK(refused.out.empty());

    CHECK(run({"protocol", "pack", below(temp, "none")}).code == info(Errc::not_found).exit_code);
    CHECK(run({"protocol", "pack", folder + "/main.js"}).code == info(Errc::invalid).exit_code);
    fs::create_directories(below(temp, "empty"));
    const auto empty = run({"protocol", "pack", below(temp, "empty"), "-f", below(temp, "e.zip")});
    CHECK(empty.code == info(Errc::invalid).exit_code);
    CHECK(empty.err.find("there is no protocol.json") != std::string::npos);
    CHECK_FALSE(fs::exists(below(temp, "e.zip")));
    CHECK(code_word(run({"protocol", "pack", folder, "-f", below(temp, "no/such/a.zip")})) == "output");
    fs::create_symlink("/etc/passwd", folder + "/passwd.js");
    CHECK(run({"protocol", "pack", folder, "-f", below(temp, "l.zip")}).code == info(Errc::invalid).exit_code);
  }

  TEST_CASE("the name of a folder is its last part, however it is written") {
    CHECK(cli::folder_name("packages/meter") == "meter");
    CHECK(cli::folder_name("packages/meter/") == "meter");
    CHECK(cli::folder_name("/packages/./meter/lib/..") == "meter");
    CHECK(cli::folder_name(".") == fs::current_path().filename().string());
    CHECK(cli::folder_name("/").empty());
  }
}
