#include "daemon/network/http_fetch.hpp"

#include "tests/support/tls_material.hpp"
#include "tests/unit/daemon/network/http_fetch_support.hpp"

#include <openssl/pem.h>

using namespace jl;
using namespace jl::network;
using namespace jl::network::test;

namespace {

struct Fetched {
  Result<FetchReport> report{Error()};
  std::string bytes;
  std::vector<FetchProgress> progress;
};

Fetched fetched(const FetchOptions& options) {
  Fetched out;
  out.report = fetch(options, [&](std::string_view piece, const FetchProgress& progress) -> Status {
    out.bytes += piece;
    out.progress.push_back(progress);
    return {};
  });
  return out;
}

Fetched fetched(const std::string& url) {
  FetchOptions options;
  options.url = url;
  return fetched(options);
}

ScriptedHttp::Answer always(std::string bytes, bool holds = false) {
  return [bytes = std::move(bytes), holds](const std::string&) { return Scripted{bytes, holds}; };
}

Errc code_of(const Fetched& got) { return got.report ? Errc::count_ : got.report.error().code; }
std::string message_of(const Fetched& got) { return got.report ? "" : got.report.error().message; }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string pem_of(const cert::Entry& entry) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
  REQUIRE(PEM_write_bio_X509(out.get(), entry.chain.front().get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

TEST_SUITE_BEGIN("network.http_fetch");

TEST_CASE("a file comes to the byte, with its length or in chunks, and what is left of it is told") {
  std::string content(300'000, 'x');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
  SUBCASE("length") {
    const ScriptedHttp server(always(file_response(content)));
    const auto got = fetched(server.url("/a/fw.bin?k=1"));
    REQUIRE_MESSAGE(got.report.has_value(), message_of(got));
    CHECK(got.bytes == content);
    CHECK(got.report->status == 200);
    CHECK(got.report->size == content.size());
    CHECK(got.report->url == server.url("/a/fw.bin?..."));
    CHECK(got.progress.back().received == content.size());
    for (const auto& progress : got.progress) CHECK(progress.total == content.size());
    const auto heads = server.heads();
    REQUIRE(heads.size() == 1);
    CHECK(heads[0].starts_with("GET /a/fw.bin?k=1 HTTP/1.1\r\n"));
    CHECK_FALSE(has(heads[0], "Accept-Encoding"));
  }
  SUBCASE("chunks") {
    const ScriptedHttp server(
        always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
    const auto got = fetched(server.url());
    REQUIRE_MESSAGE(got.report.has_value(), message_of(got));
    CHECK(got.bytes == "abcdefg");
    CHECK_FALSE(got.progress.back().total.has_value());
  }
  SUBCASE("an empty one") {
    const ScriptedHttp server(always(file_response("")));
    const auto got = fetched(server.url());
    REQUIRE(got.report.has_value());
    CHECK(got.report->size == 0);
  }
}

TEST_CASE("nothing is sent that says who asks, but what the URL itself has, and that is never shown") {
  const ScriptedHttp other(always(file_response("abc")));
  const ScriptedHttp server([&](const std::string& head) {
    return Scripted{has(head, "GET /moved") ? redirect(other.url()) : file_response("abc")};
  });
  const auto plain = fetched(server.url());
  CHECK(plain.report.has_value());
  const auto with = fetched(server.url("/fw.bin", "user:canary@"));
  REQUIRE(with.report.has_value());
  CHECK(with.report->url == "http://***@127.0.0.1:" + std::to_string(server.port()) + "/fw.bin");
  const auto moved = fetched(server.url("/moved", "user:canary@"));
  CHECK(moved.report.has_value());
  const auto heads = server.heads();
  REQUIRE(heads.size() == 3);
  CHECK_FALSE(has(heads[0], "Authorization"));
  CHECK(has(heads[1], "Authorization: Basic dXNlcjpjYW5hcnk="));
  // RFC 9110 15.4: what was meant for one server is not for the next.
  REQUIRE(other.heads().size() == 1);
  CHECK_FALSE(has(other.heads()[0], "Authorization"));
  CHECK_FALSE(has(other.heads()[0], "Cookie"));
}

TEST_CASE("at most five redirects are followed, and only to http and https") {
  struct Row {
    int count;
    std::string to;  // in the end
    Errc code;
  };
  const std::vector<std::string> statuses{"301 Moved Permanently",  "302 Found",
                                          "303 See Other",          "307 Temporary Redirect",
                                          "308 Permanent Redirect", "302 Found"};
  for (const Row& row :
       {Row{1, "", Errc::count_}, Row{5, "", Errc::count_}, Row{6, "", Errc::job_failed},
        Row{1, "file:///etc/hostname", Errc::job_failed}, Row{1, "ftp://127.0.0.1/x", Errc::job_failed},
        Row{1, "gopher://127.0.0.1/x", Errc::job_failed}}) {
    CAPTURE(row.count);
    CAPTURE(row.to);
    int left = row.count;
    const ScriptedHttp server([&](const std::string&) {
      if (left == 0) return Scripted{file_response("abc")};
      --left;
      const auto& status = statuses[static_cast<std::size_t>(left)];
      return Scripted{redirect(left == 0 && !row.to.empty() ? row.to : "/next/" + std::to_string(left), status)};
    });
    const auto got = fetched(server.url());
    CHECK(code_of(got) == row.code);
    CHECK(got.bytes == (row.code == Errc::count_ ? "abc" : ""));
    if (row.count == 6) CHECK(has(message_of(got), "more than 5 redirects"));
  }
}

TEST_CASE("only status 200 brings a file; what comes with another is not taken for one") {
  for (const std::string status : {"404 Not Found", "403 Forbidden", "401 Unauthorized", "500 Oops", "503 Busy",
                                   "206 Partial Content", "201 Created", "304 Not Modified", "300 Choices"}) {
    CAPTURE(status);
    for (const std::string& body : {std::string("<html>no</html>"), std::string()}) {
      const ScriptedHttp server(always(file_response(body, status)));
      const auto got = fetched(server.url("/fw.bin", "u:canary@"));
      CHECK(code_of(got) == Errc::job_failed);
      CHECK(got.progress.empty());
      REQUIRE(got.report.has_error());
      CHECK(got.report.error().members ==
            std::vector<std::pair<std::string, std::string>>{{"httpStatus", status.substr(0, 3)}});
      CHECK_FALSE(has(message_of(got), "canary"));
      CHECK(has(message_of(got), "http://***@127.0.0.1"));
    }
  }
}

TEST_CASE("URLs of other schemes, and what is no URL, are refused without a connection") {
  for (const std::string& url :
       {std::string(), std::string("file:///etc/passwd"), std::string("FILE:///etc/passwd"), std::string("ftp://h/x"),
        std::string("gopher://h/x"), std::string("unix:///x"), std::string("h/x"), std::string("//h/x"),
        std::string("http://"), std::string("http:///x"), std::string("http:/h/x"), std::string("http:h/x"),
        std::string("http://h:99999/x"), std::string("http://h h/x"), std::string("http://h/\r\nX: y"),
        std::string("http://h/\0x", 11), "http://h/" + std::string(5000, 'x')}) {
    CAPTURE(url.substr(0, 60));
    const auto got = fetched(url);
    CHECK(code_of(got) == Errc::invalid);
    CHECK(got.report.error().field == "url");
    CHECK(check_url(url).has_error());
  }
  for (const char* url :
       {"http://h", "https://u:p@h:8443/x?y#z", "HTTP://h/", "http://[::1]:80/", "http://192.0.2.1/"}) {
    CAPTURE(url);
    CHECK(check_url(url).has_value());
  }
}

TEST_CASE("more than may be is refused by its length before the first byte, else at the bound") {
  FetchOptions options;
  options.max_size = 10;
  struct Row {
    std::string response;
    Errc code;
    std::size_t taken;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  for (const Row& row :
       {Row{file_response(std::string(10, 'x')), Errc::count_, 10},
        Row{file_response(std::string(11, 'x')), Errc::too_large, 0},
        Row{chunked + "a\r\n0123456789\r\n0\r\n\r\n", Errc::count_, 10},
        Row{chunked + "b\r\n0123456789a\r\n0\r\n\r\n", Errc::too_large, 0},
        Row{until_close + "0123456789", Errc::count_, 10}, Row{until_close + "0123456789a", Errc::too_large, 0},
        Row{file_response(std::string(11, 'x'), "404 Not Found"), Errc::job_failed, 0}}) {
    CAPTURE(row.response);
    const ScriptedHttp server(always(row.response));
    options.url = server.url();
    const auto got = fetched(options);
    CHECK(code_of(got) == row.code);
    CHECK(got.bytes.size() == row.taken);
  }
}

TEST_CASE("a download that breaks off is an error, and so is what is not HTTP") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  struct Row {
    std::string response;
    std::string_view says;
  };
  for (const Row& row : {Row{head + "abc", "ended after 3 of 10 bytes"},
                         Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", "in the middle"},
                         Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", ""}, Row{"", ""},
                         Row{"SSH-2.0-OpenSSH\r\n", ""}, Row{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc", ""}}) {
    CAPTURE(row.response);
    const ScriptedHttp server(always(row.response));
    const auto got = fetched(server.url());
    CHECK(code_of(got) == Errc::job_failed);
    CHECK(has(message_of(got), row.says));
  }
}

TEST_CASE("who cannot be reached is named, with the reason") {
  std::uint16_t closed = 0;
  { closed = ScriptedHttp(always("")).port(); }
  const auto refused = fetched("http://u:canary@127.0.0.1:" + std::to_string(closed) + "/x");
  CHECK(code_of(refused) == Errc::job_failed);
  CHECK(has(message_of(refused),
            "\"127.0.0.1:" + std::to_string(closed) + "\" cannot be connected to: Connection refused"));
  CHECK_FALSE(has(message_of(refused), "canary"));
  const auto unknown = fetched("http://a..b/x");  // no name that could be looked up, so nobody is asked
  CHECK(code_of(unknown) == Errc::job_failed);
  CHECK(has(message_of(unknown), "a..b"));
}

TEST_CASE("a server that falls silent is given up, before the first byte and in the middle") {
  FetchOptions options;
  options.stall_time = std::chrono::seconds(1);
  for (const std::string response : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    CAPTURE(response);
    const ScriptedHttp server(always(response, true));
    options.url = server.url();
    const auto got = fetched(options);
    CHECK(code_of(got) == Errc::timeout);
    CHECK(has(message_of(got), response.empty() ? "after 0 bytes" : "after 3 bytes"));
  }
}

TEST_CASE("a connection that does not come about is given up") {
  // It accepts, and never greets: TLS is part of connecting.
  const ScriptedHttp server(always("", true));
  FetchOptions options;
  options.url = "https" + server.url().substr(4);
  options.connect_timeout = std::chrono::milliseconds(100);
  const auto got = fetched(options);
  CHECK(code_of(got) == Errc::timeout);
  CHECK(has(message_of(got), "within 100 ms"));
}

TEST_CASE("it ends early when it is cancelled, and when its taker has enough") {
  const ScriptedHttp server(always("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true));
  FetchOptions options;
  options.url = server.url();
  std::atomic<bool> cancelled{false};
  options.cancelled = &cancelled;
  SUBCASE("cancelled while nothing comes") {
    const auto got = fetch(options, [&](std::string_view, const FetchProgress&) -> Status {
      cancelled = true;
      return {};
    });
    REQUIRE(got.has_error());
    CHECK(got.error().code == Errc::unavailable);
  }
  SUBCASE("cancelled before") {
    cancelled = true;
    CHECK(code_of(fetched(options)) == Errc::unavailable);
    CHECK(server.heads().empty());
  }
  SUBCASE("the taker") {
    const auto got =
        fetch(options, [](std::string_view, const FetchProgress&) -> Status { return Error(Errc::storage, "full"); });
    REQUIRE(got.has_error());
    CHECK(got.error().code == Errc::storage);
    CHECK(got.error().message == "full");
  }
  SUBCASE("the taker throws") {
    const auto got = fetch(options, [](std::string_view, const FetchProgress&) -> Status { throw std::bad_alloc(); });
    REQUIRE(got.has_error());
    CHECK(got.error().code == Errc::failed);
  }
}

TEST_CASE("TLS is verified: the chain against the authorities, the name against the URL") {
  using jl::test::Leaf;
  const cert::Entry ca = jl::test::make_ca();
  struct Row {
    std::string name;
    Leaf leaf;
    bool is_trusted, is_good;
    std::string_view says;
  };
  const Leaf fine{.sans = "IP:127.0.0.1"};
  for (const Row& row :
       {Row{"fine", fine, true, true, ""}, Row{"nobody's", fine, false, false, "issuer certificate"},
        Row{"another's name", {.sans = "DNS:other.example"}, true, false, "127.0.0.1"},
        Row{"expired", {.sans = "IP:127.0.0.1", .from = -7200, .until = -3600}, true, false, "expired"},
        Row{"of tomorrow", {.sans = "IP:127.0.0.1", .from = 3600, .until = 7200}, true, false, "not yet valid"}}) {
    CAPTURE(row.name);
    const cert::Entry identity = jl::test::sign(row.leaf, &ca, false);
    const ScriptedHttp server(always(file_response("abc")), &identity);
    FetchOptions options;
    options.url = server.url();
    if (row.is_trusted) options.authorities = pem_of(ca);
    const auto got = fetched(options);
    CHECK(got.report.has_value() == row.is_good);
    CHECK(got.bytes == (row.is_good ? "abc" : ""));
    if (row.is_good) continue;
    CHECK(code_of(got) == Errc::job_failed);
    CHECK(has(message_of(got), "is not trusted: "));
    CHECK_MESSAGE(has(message_of(got), row.says), message_of(got));
    CHECK(server.heads().empty());
  }
}

TEST_SUITE_END();
