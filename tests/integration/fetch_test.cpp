// Firmware that the daemon downloads itself: POST /v1/files/fetch.
#include "tests/integration/house.hpp"
#include "tests/unit/daemon/network/http_fetch_support.hpp"

#include <fmt/format.h>
#include <filesystem>

namespace jl::test {
namespace {

using network::test::file_response;
using network::test::Scripted;
using network::test::ScriptedHttp;

// FIPS 180-2 B.1 and RFC 1321 A.5, of "abc".
constexpr std::string_view kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kAbcMd5 = "900150983cd24fb0d6963f7d28e17f72";

std::size_t kept(const House& house) {
  const std::filesystem::directory_iterator files(house.config.state_dir + "/files");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// The lines of an answer that is a stream, or the problem alone.
std::vector<json::value> fetch(House& house, const std::string& body) {
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/files/fetch", body);
  std::vector<json::value> out;
  const auto answer = ctl.raw().read();
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    out.push_back(json::parse(rest.substr(0, end)));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  return out;
}

std::string wanted(const std::string& url, std::string_view more = {}) {
  return fmt::format(R"({{"url":"{}"{}}})", url, more);
}

const json::value kStored{{"fileId", kAbc}, {"size", 3}, {"sha256", kAbc}, {"md5", kAbcMd5}, {"existed", false}};

}  // namespace

TEST_CASE("a download is kept by its content, with both digests, and what URL it had is in the access log") {
  House house;
  const ScriptedHttp server([](const std::string&) { return Scripted{file_response("abc")}; });
  const std::string url = server.url("/fw.bin?v=1", "user:canary@");
  CHECK(fetch(house, wanted(url)) == std::vector<json::value>{kStored});
  CHECK(kept(house) == 2);
  for (const std::string& more :
       {fmt::format(R"(,"signMethod":"md5","sign":"{}","size":3)", kAbcMd5),
        fmt::format(R"(,"signMethod":"SHA256","sign":"{}","size":"3")", kAbc), std::string(R"(,"size":0)")}) {
    const auto lines = fetch(house, wanted(url, more));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].at("existed") == json::value(true));
  }
  const Reply log = house.call("GET", "/v1/logs/access?limit=1");
  CHECK(log.text("items.0.action") == "file fetch");
  CHECK(log.text("items.0.object") == "file/" + std::string(kAbc));
  CHECK(log.text("items.0.status") == "ok");
  CHECK(log.text("items.0.parameters.body.url").starts_with("http://***@127.0.0.1"));
  CHECK(json::serialize(house.call("GET", "/v1/logs/access").body).find("canary") == std::string::npos);
}

TEST_CASE("what is not what it was said to be is not kept, and the answer says how") {
  House house;
  const ScriptedHttp server([](const std::string& head) {
    if (head.starts_with("GET /none")) return Scripted{file_response("gone", "404 Not Found")};
    if (head.starts_with("GET /empty")) return Scripted{file_response("")};
    if (head.starts_with("GET /cut")) return Scripted{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"};
    if (head.starts_with("GET /open")) return Scripted{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"};
    return Scripted{file_response("abc")};
  });
  struct Row {
    std::string path, more, code, field;
  };
  const std::string d32(32, 'd'), d64(64, 'd');
  for (const Row& row :
       {Row{"/x", R"(,"signMethod":"md5","sign":")" + d32 + '"', "sign_mismatch", "sign"},
        Row{"/x", R"(,"signMethod":"sha256","sign":")" + d64 + '"', "sign_mismatch", "sign"},
        Row{"/x", R"(,"signMethod":"sha256","sign":")" + d32 + '"', "invalid", "sign"},
        Row{"/x", R"(,"sign":")" + d32 + '"', "invalid", "signMethod"}, Row{"/x", R"(,"size":4)", "invalid", "size"},
        Row{"/x", R"(,"size":2)", "invalid", "size"}, Row{"/open", R"(,"size":4)", "invalid", "size"},
        Row{"/open", R"(,"size":2)", "invalid", "size"}, Row{"/x", R"(,"size":-1)", "invalid", "size"},
        Row{"/x", R"(,"size":4294967297)", "invalid", "size"}, Row{"/x", R"(,"size":1.5)", "invalid", "size"},
        Row{"/x", R"(,"cookie":"a")", "unknown_field", "cookie"}, Row{"/none", "", "job_failed", ""},
        Row{"/empty", "", "job_failed", ""}, Row{"/cut", "", "job_failed", ""}}) {
    CAPTURE(row.path);
    CAPTURE(row.more);
    const Reply reply = house.call("POST", "/v1/files/fetch", wanted(server.url(row.path), row.more));
    CHECK(reply.status >= 400);
    CHECK(reply.code() == row.code);
    CHECK(reply.text("field") == row.field);
    if (row.code == "sign_mismatch") {
      CHECK(reply.text("actual") == (row.more.find("md5") != std::string::npos ? kAbcMd5 : kAbc));
      CHECK(reply.text("expected").starts_with("dddd"));
    }
    CHECK(kept(house) == 0);
  }
  for (const std::string url : {"", "file:///etc/passwd", "ftp://127.0.0.1/x", "fw.bin"}) {
    const Reply reply = house.call("POST", "/v1/files/fetch", wanted(url));
    CHECK(reply.code() == "invalid");
    CHECK(reply.text("field") == "url");
  }
  CHECK(house.call("POST", "/v1/files/fetch", "{}").code() == "invalid");
}

TEST_CASE("how far a download is goes out in lines, and what then goes wrong in the last of them") {
  House house;
  // Each answer takes a second of the daemon's time.
  const ScriptedHttp server([&](const std::string&) {
    house.clock.advance(1000);
    return Scripted{file_response("abc")};
  });
  const json::value progress{{"received", 3}, {"total", 3}};
  CHECK(fetch(house, wanted(server.url())) == std::vector<json::value>{progress, kStored});
  const auto lines = fetch(house, wanted(server.url(), R"(,"signMethod":"md5","sign":")" + std::string(32, 'd') + '"'));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == progress);
  CHECK(lines[1].at("error").at("code") == "sign_mismatch");
  CHECK(lines[1].at("error").at("actual") == json::value(kAbcMd5));
  const Reply log = house.call("GET", "/v1/logs/access?limit=1");
  CHECK(log.text("items.0.code") == "sign_mismatch");
}

TEST_CASE("a daemon that stops ends its downloads, and keeps nothing of them") {
  House house;
  std::atomic<bool> is_asked{false};
  const ScriptedHttp server([&](const std::string&) {
    is_asked = true;
    return Scripted{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true};
  });
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/files/fetch", wanted(server.url()));
  REQUIRE(eventually([&] { return is_asked.load() && kept(house) == 1; }));
  house.stop();
  CHECK(kept(house) == 0);
}

}  // namespace jl::test
