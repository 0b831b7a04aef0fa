// Files that fields of documents stand for.
#include "common/control/uploads.hpp"
#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <thread>

using namespace jl;
using namespace jl::cli::test;

namespace {

// SHA-256 of "abc" [FIPS 180-2 B.1].
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kUpload = "POST /v1/files?purpose=protocol";

std::map<std::string, Reply> replies() {
  const json::object changed{{"result", "created"}, {"kind", "protocol"}, {"id", "p"}, {"revision", 2}};
  const json::object none{{"created", 0}, {"updated", 0}, {"unchanged", 1}, {"deleted", 0}};
  const json::object planned{{"result", "planned"}, {"summary", none}, {"changes", json::array()}};
  return {{kUpload, ok(json::object{{"fileId", kAbc}, {"size", 3}}, 201)},
          {"POST /v1/protocols", ok(changed, 201)},
          {"PATCH /v1/protocols/p", ok(changed)},
          {"POST /v1/apply", lines({planned})},
          {"POST /v1/apply?dryRun=true", lines({planned})},
          {"POST /v1/diff", lines({planned})}};
}

std::vector<std::string> calls(const FakeDaemon& daemon) {
  std::vector<std::string> out;
  for (const auto& request : daemon.requests()) out.push_back(request.method + " " + request.target);
  return out;
}

json::value configuration(const SeenRequest& request) { return request.json().at("spec").at("configuration"); }

std::string manifest(const TempFolder& folder, const std::string& file = "codec.jar") {
  return folder.file(
      "site/p.yaml",
      "kind: protocol\nid: p\nspec:\n  type: jar\n  configuration:\n    fileId: {fromFile: " + file + "}\n");
}

}  // namespace

TEST_SUITE("cli.uploads") {
  TEST_CASE("a flag's file is sent first, and its id and name stand in the document") {
    const FakeDaemon daemon(replies());
    const std::string file = daemon.folder().file("codec-1.0.jar", "abc");
    const auto out = run(daemon, {"protocol", "add", "p", "--type", "jar", "--package", file});
    CHECK(out.code == 0);
    CHECK(out.err.empty());
    CHECK(calls(daemon) == std::vector<std::string>{kUpload, "POST /v1/protocols"});
    const auto seen = daemon.requests();
    CHECK(seen[0].body == "abc");
    CHECK(seen[0].head.find("Content-Length: 3") != std::string::npos);
    CHECK(seen[0].head.find("Content-Type: application/octet-stream") != std::string::npos);
    CHECK(configuration(seen[1]) == json::value{{"fileId", kAbc}, {"fileName", "codec-1.0.jar"}});

    CHECK(run(daemon, {"protocol", "edit", "p", "--file-name", "mine", "--package", file}).code == 0);
    CHECK(configuration(daemon.requests().back()) == json::value{{"fileName", "mine"}, {"fileId", kAbc}});
  }

  TEST_CASE("standard input goes out as it comes, with its length or in chunks, and has no name") {
    const FakeDaemon daemon(replies());
    const std::vector<std::string> words{"protocol", "add", "p", "--type", "jar", "--package", "-"};
    Given given;
    given.input = "abc";
    CHECK(run(daemon, words, given).code == 0);
    CHECK(daemon.requests()[0].body == "abc");
    CHECK(configuration(daemon.requests()[1]) == json::value{{"fileId", kAbc}});

    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const std::string large(300'000, 'x');
    std::jthread writer([&] {
      std::string_view rest = large;
      for (ssize_t n = 1; !rest.empty() && n > 0; rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0))))
        n = ::write(ends[1], rest.data(), rest.size());
      ::close(ends[1]);
    });
    given.in = ends[0];
    CHECK(run(daemon, words, given).code == 0);
    ::close(ends[0]);
    CHECK(daemon.requests()[2].head.find("Transfer-Encoding: chunked") != std::string::npos);
    CHECK(daemon.requests()[2].body == large);
  }

  TEST_CASE("apply, add -f and edit -f upload what {fromFile: PATH} names, from the manifest's folder") {
    const FakeDaemon daemon(replies());
    daemon.folder().file("site/codec.jar", "abc");
    const std::string file = manifest(daemon.folder());
    const json::value want{{"fileId", kAbc}, {"fileName", "codec.jar"}};
    CHECK(run(daemon, {"apply", "-f", file}).code == 0);
    CHECK(calls(daemon) == std::vector<std::string>{kUpload, "POST /v1/apply"});
    CHECK(daemon.requests()[1].json().at("documents").at(0).at("spec").at("configuration") == want);
    CHECK(run(daemon, {"protocol", "add", "p", "-f", file}).code == 0);
    CHECK(configuration(daemon.requests()[3]) == want);
    // A patch need not say the kind, nor the type.
    const std::string patch = daemon.folder().file(
        "site/patch.yaml", "spec: {configuration: {fileId: {fromFile: codec.jar}, fileName: kept}}\n");
    CHECK(run(daemon, {"protocol", "edit", "p", "-f", patch}).code == 0);
    CHECK(configuration(daemon.requests()[5]) == json::value{{"fileId", kAbc}, {"fileName", "kept"}});
    CHECK(daemon.requests()[4].body == "abc");
  }

  TEST_CASE("one file in many documents is sent once") {
    const FakeDaemon daemon(replies());
    const std::string jar = daemon.folder().file("c.jar", "abc");
    std::string text;
    for (int i = 0; i < 5; ++i)
      text += "---\nkind: protocol\nid: p" + std::to_string(i) +
              "\nspec: {type: zip, configuration: {fileId: {fromFile: c.jar}}}\n";
    CHECK(run(daemon, {"apply", "-f", daemon.folder().file("all.yaml", text)}).code == 0);
    CHECK(calls(daemon) == std::vector<std::string>{kUpload, "POST /v1/apply"});
    const json::value sent = daemon.requests()[1].json();
    for (const auto& document : sent.at("documents").as_array())
      CHECK(document.at("spec").at("configuration").at("fileId") == kAbc);
  }

  TEST_CASE("plans compare the id that the file would have, and send nothing") {
    const FakeDaemon daemon(replies());
    daemon.folder().file("site/codec.jar", "abc");
    const std::string file = manifest(daemon.folder());
    for (const auto& words : {std::vector<std::string>{"diff", "-f", file}, {"apply", "-f", file, "--dry-run"}}) {
      CHECK(run(daemon, words).code == 0);
      CHECK(daemon.requests().back().json().at("documents").at(0).at("spec").at("configuration").at("fileId") == kAbc);
    }
    CHECK(daemon.requests().size() == 2);
    CHECK(run({"diff", "-f", file, "--against", file}).code == 0);
    daemon.folder().file("old/codec.jar", "abd");
    const std::string old = daemon.folder().file("old/p.yaml",
                                                 "kind: protocol\nid: p\nspec:\n  type: jar\n  configuration:\n    "
                                                 "fileId: {fromFile: codec.jar}\n");
    const auto differs = run({"diff", "-f", file, "--against", old});
    CHECK(differs.code == 20);
    CHECK(differs.out.find("fileId") != std::string::npos);
  }

  TEST_CASE("validate wants the file to be there and readable, without a daemon") {
    const TempFolder folder;
    const std::string file = manifest(folder);
    const auto missing = run({"validate", "-f", file});
    CHECK(missing.code == 5);
    CHECK(missing.err.find("p.yaml:6:") != std::string::npos);
    CHECK(missing.err.find("site/codec.jar\" cannot be read") != std::string::npos);
    folder.file("site/codec.jar", "abc");
    CHECK(run({"validate", "-f", file}).code == 0);
    CHECK(run({"validate", "-f", manifest(folder, ".")}).code == 5);
    const std::string large = folder.file("site/large.jar", "");
    std::filesystem::resize_file(large, control::find_upload_purpose("protocol")->max_size + 1);
    CHECK(run({"validate", "-f", manifest(folder, "large.jar")}).code == 5);
  }

  TEST_CASE("files that cannot be sent are errors that name them, before the resource is touched") {
    const FakeDaemon daemon(replies());
    const auto add = [&](const std::string& file) {
      return run(daemon, {"protocol", "add", "p", "--type", "jar", "--package", file});
    };
    const auto missing = add("/nonexistent/x.jar");
    CHECK(missing.code == 2);
    CHECK(missing.err.find("--package: \"/nonexistent/x.jar\" cannot be read") != std::string::npos);
    CHECK(add(daemon.folder().path()).code == 2);
    CHECK(add("").code == 2);
    const std::string large = daemon.folder().file("large.jar", "");
    std::filesystem::resize_file(large, control::find_upload_purpose("protocol")->max_size + 1);
    CHECK(add(large).err.find("has more than 64 MiB") != std::string::npos);
    CHECK(daemon.requests().empty());
    const auto odd = run(daemon, {"protocol", "add", "p", "--type", "jar", "--package",
                                  daemon.folder().file("c.jar", "abc"), "--config", "x"});
    CHECK(odd.code == 2);
    CHECK(daemon.requests().empty());
    Given nothing;
    CHECK(run(daemon, {"protocol", "add", "p", "--type", "jar", "--package", "-"}, nothing).err.find("is empty") !=
          std::string::npos);
  }

  TEST_CASE("a daemon that refuses a file is heard before all of it was sent") {
    auto answers = replies();
    answers[kUpload] = failure(Error(Errc::denied, "\"file upload\" needs the role operator"));
    answers[kUpload].close_after = true;
    const FakeDaemon daemon(answers);
    const std::string file = daemon.folder().file("c.jar", std::string(5'000'000, 'x'));
    const auto out = run(daemon, {"protocol", "add", "p", "--type", "jar", "--package", file});
    CHECK(out.code == 6);
    CHECK(out.err.find("needs the role operator") != std::string::npos);
    CHECK(calls(daemon) == std::vector<std::string>{kUpload});
    CHECK(run({"protocol", "add", "p", "--type", "jar", "--package", file, "--socket", "/nonexistent/x"}).code == 7);
  }

  TEST_CASE("a daemon that falls silent ends the wait [cli.md 44]") {
    auto answers = replies();
    answers[kUpload].silent = true;
    const FakeDaemon daemon(answers);
    const std::string file = daemon.folder().file("c.jar", "abc");
    CHECK(run(daemon, {"protocol", "add", "p", "--type", "jar", "--package", file, "--timeout", "100ms"}).code == 8);
  }

  TEST_CASE("progress is for terminals, and not with -q [cli.md 19]") {
    const FakeDaemon daemon(replies());
    const std::vector<std::string> words{"protocol",
                                         "add",
                                         "p",
                                         "--type",
                                         "jar",
                                         "--package",
                                         daemon.folder().file("c.jar", std::string(3'000'000, 'x'))};
    Given terminal;
    terminal.err_is_tty = true;
    CHECK(run(daemon, words, terminal).err.find("uploading") != std::string::npos);
    CHECK(run(daemon, words).err.find("uploading") == std::string::npos);
    auto quiet = words;
    quiet.emplace_back("-q");
    CHECK(run(daemon, quiet, terminal).err.find("uploading") == std::string::npos);
  }
}
