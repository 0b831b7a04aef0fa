// Images of firmware on their way to the daemon, with the sign that they must have.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli::test;

namespace {

// Digests of "abc" [FIPS 180-2 B.1, RFC 1321 A.5].
constexpr const char* kSha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMd5 = "900150983cd24fb0d6963f7d28e17f72";
constexpr const char* kUpload = "POST /v1/files?purpose=firmware";
constexpr const char* kFetch = "POST /v1/files/fetch";
constexpr const char* kUrl = "https://cdn.example/fw.bin";

std::string upload_with(const std::string& method, const std::string& sign) {
  return std::string(kUpload) + "&signMethod=" + method + "&sign=" + sign;
}

json::object file_reply() { return {{"fileId", kSha256}, {"size", 3}, {"md5", kMd5}, {"sha256", kSha256}}; }

std::map<std::string, Reply> replies() {
  const json::object changed{{"result", "created"}, {"kind", "ota-firmware"}, {"id", "fw-1"}, {"revision", 2}};
  const json::object planned{{"result", "planned"}, {"summary", json::object()}, {"changes", json::array()}};
  return {{kUpload, ok(file_reply(), 201)},
          {upload_with("md5", kMd5), ok(file_reply(), 201)},
          {upload_with("sha256", kSha256), ok(file_reply(), 201)},
          {upload_with("sha256", std::string(64, '0')),
           failure(Error(Errc::sign_mismatch, "the file's sha256 is another"))},
          {kFetch, lines({json::object{{"received", 1 << 20}, {"total", 3 << 20}}, file_reply()})},
          {"POST /v1/ota-firmwares", ok(changed, 201)},
          {"PATCH /v1/ota-firmwares/fw-1", ok(changed)},
          {"POST /v1/apply", lines({planned})},
          {"POST /v1/apply?dryRun=true", lines({planned})}};
}

std::vector<std::string> calls(const FakeDaemon& daemon) {
  std::vector<std::string> out;
  for (const auto& request : daemon.requests()) out.push_back(request.method + " " + request.target);
  return out;
}

std::vector<std::string> add(const std::vector<std::string>& more) {
  std::vector<std::string> out{"ota", "firmware", "add", "fw-1", "--product", "p", "--version", "1.2", "--order", "12"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

using Calls = std::vector<std::string>;

}  // namespace

TEST_SUITE("cli.ota_firmware") {
  TEST_CASE("the sign goes along with the image, so that a wrong one is found while it comes in [operations.md 1.1]") {
    const FakeDaemon daemon(replies());
    const std::string image = daemon.folder().file("fw.bin", "abc");
    struct Row {
      const char* name;
      std::vector<std::string> flags;
      std::string upload;
    };
    const std::vector<Row> rows{{"sha256 is the default", {"--sign", kSha256}, upload_with("sha256", kSha256)},
                                {"md5, in capitals",
                                 {"--sign", "900150983CD24FB0D6963F7D28E17F72", "--sign-method", "md5"},
                                 upload_with("md5", kMd5)},
                                {"auto proves nothing", {"--sign", "auto"}, kUpload},
                                {"AUTO as well", {"--sign", "AUTO"}, kUpload},
                                {"none", {}, kUpload}};
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto before = daemon.requests().size();
      auto words = add({"--image", image});
      words.insert(words.end(), row.flags.begin(), row.flags.end());
      CHECK(run(daemon, words).code == 0);
      REQUIRE(daemon.requests().size() == before + 2);
      CHECK(calls(daemon)[before] == row.upload);
      CHECK(daemon.requests()[before].body == "abc");
      const auto spec = daemon.requests().back().json().at("spec");
      CHECK(spec.at("fileId") == kSha256);
      CHECK(spec.at("fileName") == "fw.bin");
    }
  }

  TEST_CASE("a sign that the image does not have names the image, and nothing is added") {
    const FakeDaemon daemon(replies());
    const std::string image = daemon.folder().file("fw.bin", "abc");
    const auto out = run(daemon, add({"--image", image, "--sign", std::string(64, '0'), "--json"}));
    CHECK(out.code == 5);
    CHECK(out.out.empty());
    const auto error = json::parse(out.err).at("error");
    CHECK(error.at("code") == "sign_mismatch");
    CHECK(error.at("message").as_string().find(image) != json::string::npos);
    CHECK(calls(daemon) == Calls{upload_with("sha256", std::string(64, '0'))});
    for (const char* sign : {"abc", "900150983cd24fb0d6963f7d28e17f72", "zz"}) {
      CAPTURE(sign);
      CHECK(run(daemon, add({"--image", image, "--sign", sign})).code == 5);
    }
    CHECK(daemon.requests().size() == 1);
  }

  TEST_CASE("edit may leave the method out: the digits tell it") {
    const FakeDaemon daemon(replies());
    const std::string image = daemon.folder().file("fw.bin", "abc");
    CHECK(run(daemon, {"ota", "firmware", "edit", "fw-1", "--image", image, "--sign", kMd5}).code == 0);
    CHECK(run(daemon, {"ota", "firmware", "edit", "fw-1", "--image", image}).code == 0);
    CHECK(calls(daemon) ==
          Calls{upload_with("md5", kMd5), "PATCH /v1/ota-firmwares/fw-1", kUpload, "PATCH /v1/ota-firmwares/fw-1"});
  }

  TEST_CASE("manifests with an image hand its sign along too, and plans compare it without the daemon") {
    const FakeDaemon daemon(replies());
    const auto& folder = daemon.folder();
    static_cast<void>(folder.file("fw.bin", "abc"));
    const auto manifest = [&](const std::string& name, const std::string& sign) {
      return folder.file(name,
                         "kind: ota-firmware\nid: fw-1\nspec:\n  productId: p\n  version: \"1.2\"\n"
                         "  versionOrder: 12\n  sign: " +
                             sign + "\n  fileId: {fromFile: fw.bin}\n");
    };
    const std::string good = manifest("good.yaml", kSha256);
    const std::string bad = manifest("bad.yaml", "\"" + std::string(64, '0') + "\"");
    CHECK(run(daemon, {"apply", "-f", good}).code == 0);
    CHECK(calls(daemon).front() == upload_with("sha256", kSha256));
    CHECK(run(daemon, {"apply", "-f", bad}).code == 5);
    CHECK(calls(daemon).back() == upload_with("sha256", std::string(64, '0')));
    const auto before = daemon.requests().size();
    CHECK(run(daemon, {"apply", "-f", bad, "--dry-run"}).code == 5);
    CHECK(daemon.requests().size() == before);
    CHECK(run(daemon, {"apply", "-f", good, "--dry-run"}).code == 0);
  }

  TEST_CASE("an image is not taken for a document, also not one that is an archive") {
    const FakeDaemon daemon(replies());
    for (const std::string& content : {std::string("PK\x03\x04\0\0\0\0", 8), std::string("\x7f"
                                                                                         "ELF\2\1\1\0",
                                                                                         8)}) {
      const std::string image = daemon.folder().file("fw.bin", content);
      const auto out = run(daemon, add({"--file", image}));
      CHECK(out.code == 2);
      CHECK(out.err.find("hint: the file itself: --image " + image) != std::string::npos);
    }
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("--fetch has the daemon download the image first, and names the file in the document") {
    const FakeDaemon daemon(replies());
    Given terminal;
    terminal.err_is_tty = true;
    const auto out =
        run(daemon, add({"--url", kUrl, "--size", "3", "--sign-method", "md5", "--sign", kMd5, "--fetch"}), terminal);
    CHECK(out.code == 0);
    CHECK(out.err.find("downloading \"https://cdn.example/fw.bin\": 1.0 of 3.0 MiB") != std::string::npos);
    CHECK(out.err.ends_with("ota-firmware/fw-1 created (revision 2)\n"));
    CHECK(calls(daemon) == Calls{kFetch, "POST /v1/ota-firmwares"});
    CHECK(daemon.requests()[0].json() ==
          json::value{{"url", kUrl}, {"signMethod", "md5"}, {"sign", kMd5}, {"size", 3}});
    const auto spec = daemon.requests()[1].json().at("spec");
    CHECK(spec.at("fileId") == kSha256);
    CHECK(spec.at("url") == kUrl);
    CHECK(run(daemon, add({"--url", kUrl, "--sign", "auto", "--fetch", "-q"})).code == 0);
    CHECK(daemon.requests()[2].json() == json::value{{"url", kUrl}, {"signMethod", "sha256"}});
  }

  TEST_CASE("--fetch needs an address, and no other image") {
    const FakeDaemon daemon(replies());
    const std::string image = daemon.folder().file("fw.bin", "abc");
    CHECK(run(daemon, add({"--fetch"})).code == 2);
    CHECK(run(daemon, add({"--fetch", "--url", kUrl, "--image", image})).code == 2);
    const std::string document =
        daemon.folder().file("fw.yaml", "spec:\n  url: " + std::string(kUrl) + "\n  fileId: " + kSha256 + "\n");
    CHECK(run(daemon, add({"--fetch", "-f", document})).code == 2);
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("a download that fails adds nothing") {
    auto answers = replies();
    answers[kFetch] = failure(Error(Errc::network, "cdn.example cannot be reached"));
    const FakeDaemon refused(answers);
    CHECK(run(refused, add({"--url", kUrl, "--fetch"})).code == 1);
    CHECK(calls(refused) == Calls{kFetch});
    const json::object late{{"code", "sign_mismatch"}, {"detail", "another"}};
    answers[kFetch] = lines({json::object{{"received", 1}}, json::object{{"error", late}}});
    const FakeDaemon midway(answers);
    CHECK(run(midway, add({"--url", kUrl, "--fetch"})).code == 5);
    CHECK(calls(midway) == Calls{kFetch});
    answers[kFetch] = lines({json::object{{"received", 1}}});
    const FakeDaemon nothing(answers);
    CHECK(run(nothing, add({"--url", kUrl, "--fetch"})).code == 1);
  }
}
