#include "daemon/network/http_client.hpp"

#include "common/base/base64.hpp"
#include "tests/support/tls_material.hpp"
#include "tests/unit/daemon/network/http_fetch_support.hpp"

#include <openssl/pem.h>
#include <cstdlib>
#include <future>
#include <set>

using namespace jl;
using namespace jl::network;
using namespace jl::network::test;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds kPatience{10};

// A call on its way, and what comes of it.
class Pending {
 public:
  Pending(HttpClient& client, HttpCall call) {
    client.call(std::move(call), [state = state_](Result<HttpReply> result) {
      ++state->calls;
      if (state->calls == 1) state->promise.set_value(std::move(result));
    });
  }
  Result<HttpReply> result() {
    auto future = state_->promise.get_future();
    REQUIRE(future.wait_for(kPatience) == std::future_status::ready);
    return future.get();
  }
  [[nodiscard]] int calls() const { return state_->calls; }

 private:
  struct State {
    std::promise<Result<HttpReply>> promise;
    std::atomic<int> calls{0};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

Result<HttpReply> get(HttpClient& client, HttpCall call) { return Pending(client, std::move(call)).result(); }
HttpCall to(const std::string& url) {
  HttpCall call;
  call.url = url;
  return call;
}
Errc code_of(const Result<HttpReply>& got) { return got ? Errc::count_ : got.error().code; }
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

ScriptedHttp::Answer always(std::string bytes, bool holds = false) {
  return [bytes = std::move(bytes), holds](const std::string&) { return Scripted{bytes, holds}; };
}

// Takes connections, as far as the kernel does that, and never says a word.
class Silent {
 public:
  Silent() : server_(always("", true)) {}
  [[nodiscard]] std::string url() const { return server_.url("/secret-path?secret=canary"); }
  [[nodiscard]] std::size_t asked() const { return server_.heads().size(); }
  void wait_for(std::size_t calls) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (asked() < calls && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    REQUIRE(asked() >= calls);
  }

 private:
  ScriptedHttp server_;
};

std::string certificate_text(const cert::Entry& entry) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
  REQUIRE(PEM_write_bio_X509(out.get(), entry.chain.front().get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

TEST_SUITE_BEGIN("network.http_client");

TEST_CASE("an answer comes with its status, its type and its body, whatever the status") {
  for (const std::string status : {"200 OK", "204 No Content", "404 Not Found", "503 Service Unavailable"}) {
    CAPTURE(status);
    const std::string body = status.starts_with("204") ? "" : "body of " + status;
    const ScriptedHttp server(always("HTTP/1.1 " + status + "\r\nContent-Type: text/x-test; a=b\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body));
    HttpClient client;
    const auto got = get(client, to(server.url()));
    REQUIRE(got.has_value());
    CHECK(got->status == std::stoi(status));
    CHECK(got->content_type == "text/x-test; a=b");
    CHECK(got->body == body);
  }
}

TEST_CASE("what is sent is the method, the headers and the body, and nothing that was not asked for") {
  struct Row {
    std::string name, method, body, type;
  };
  const Row rows[] = {
      {"GET", "GET", "", ""},
      {"POST of a form", "POST", "a=1&secret=x", "application/x-www-form-urlencoded"},
      {"POST of nothing", "POST", "", ""},
      {"PUT without a type", "PUT", std::string("\0\x01", 2), ""},
      {"DELETE", "DELETE", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const ScriptedHttp server(always(file_response("ok")));
    HttpClient client;
    HttpCall call = to(server.url("/p?q=1"));
    call.method = row.method;
    call.body = row.body;
    call.headers = {{"X-Empty", ""}, {"X-One", "1"}};
    if (!row.type.empty()) call.headers.emplace_back("Content-Type", row.type);
    REQUIRE(get(client, call).has_value());
    REQUIRE(server.heads().size() == 1);
    const std::string head = server.heads()[0];
    CHECK(head.starts_with(row.method + " /p?q=1 HTTP/1.1\r\n"));
    CHECK(head.ends_with("\r\n\r\n" + row.body));
    CHECK(has(head, "\r\nX-Empty:\r\n"));
    CHECK(has(head, "\r\nX-One: 1\r\n"));
    CHECK(has(head, "\r\nContent-Type: ") == !row.type.empty());
    CHECK(has(head, "\r\nContent-Length: " + std::to_string(row.body.size())) ==
          (!row.body.empty() || row.method == "POST"));
    for (const auto* part : {"Authorization", "Cookie", "Expect", "Accept-Encoding"}) CHECK_FALSE(has(head, part));
  }
}

TEST_CASE("name and password go as Basic authentication [RFC 7617]") {
  const ScriptedHttp server(always(file_response("ok")));
  HttpClient client;
  HttpCall call = to(server.url());
  call.username = "admin";
  call.password = Secret("p:w\"d");
  REQUIRE(get(client, call).has_value());
  CHECK(has(server.heads()[0], "\r\nAuthorization: Basic " + to_base64("admin:p:w\"d") + "\r\n"));
}

TEST_CASE("a redirect is an answer, and a proxy of the environment does not count") {
  const ScriptedHttp proxy(always(file_response("of the proxy")));
  const ScriptedHttp server(always(redirect(proxy.url())));
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  HttpClient client;
  const auto got = get(client, to(server.url()));
  ::unsetenv("http_proxy");
  REQUIRE(got.has_value());
  CHECK(got->status == 302);
  CHECK(proxy.heads().empty());
}

TEST_CASE("what cannot be sent is refused, and names no secret of the URL") {
  struct Row {
    std::string name, url, method, header, value;
  };
  const Row rows[] = {
      {"no URL", "", "GET", "A", "b"},
      {"no scheme", "canary", "GET", "A", "b"},
      {"another scheme", "ftp://u:canary@127.0.0.1/x", "GET", "A", "b"},
      {"a file", "file:///etc/passwd?canary", "GET", "A", "b"},
      {"no host", "http:///x?canary", "GET", "A", "b"},
      {"a space in the host", "http://a b/?canary", "GET", "A", "b"},
      {"no method", "http://127.0.0.1:1/", "", "A", "b"},
      {"two lines of method", "http://127.0.0.1:1/", "GET / HTTP/1.1\r\nX: y", "A", "b"},
      {"two lines of header", "http://127.0.0.1:1/", "GET", "A", "b\r\nX: y"},
      {"a NUL in a header", "http://127.0.0.1:1/", "GET", "A", std::string("b\0c", 3)},
      {"a colon in a header's name", "http://127.0.0.1:1/", "GET", "A: b\r\nC", "b"},
  };
  HttpClient client;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    HttpCall call = to(row.url);
    call.method = row.method;
    call.headers = {{row.header, row.value}};
    const auto got = get(client, call);
    CHECK(code_of(got) == Errc::invalid);
    if (!got) CHECK_FALSE(has(got.error().message, "canary"));
  }
}

TEST_CASE("a call that nobody answers delays no other, and ends at its time limit") {
  const Silent silent;
  const ScriptedHttp server(always(file_response("ok")));
  HttpClient client;
  HttpCall slow = to(silent.url());
  slow.timeout = milliseconds(50);
  Pending first(client, slow);
  Pending held(client, to(silent.url()));
  REQUIRE(get(client, to(server.url())).has_value());
  const auto got = first.result();
  REQUIRE(code_of(got) == Errc::timeout);
  CHECK(has(got.error().message, "did not answer within 50 ms"));
  CHECK(has(got.error().message, "\"127.0.0.1:"));
  CHECK_FALSE(has(got.error().message, "secret"));
  CHECK_FALSE(has(got.error().message, "canary"));
  CHECK(held.calls() == 0);
}

TEST_CASE("a connection that does not come about has a limit of its own: TLS is part of connecting") {
  const Silent silent;
  HttpClient client;
  HttpCall call = to("https" + silent.url().substr(4));
  call.connect_timeout = milliseconds(50);
  const auto got = get(client, call);
  REQUIRE(code_of(got) == Errc::timeout);
  CHECK(has(got.error().message, "no connection to"));
  CHECK(has(got.error().message, "within 50 ms"));
}

TEST_CASE("no host gets more than 16 connections; what waits for one keeps its time limit") {
  const Silent silent;
  HttpClient client;
  std::vector<std::unique_ptr<Pending>> held;
  for (long i = 0; i < HttpClient::kMaxPerHost; ++i) {
    held.push_back(std::make_unique<Pending>(client, to(silent.url())));
  }
  silent.wait_for(16);
  HttpCall late = to(silent.url());
  late.timeout = milliseconds(50);
  const auto got = get(client, late);
  CHECK(code_of(got) == Errc::timeout);
  CHECK(silent.asked() == 16);
  client.stop();
  for (auto& one : held) CHECK(code_of(one->result()) == Errc::unavailable);
}

TEST_CASE("more calls than the client holds are refused as busy, and room that is made is used again") {
  const Silent silent;
  HttpClient client;
  std::vector<std::unique_ptr<Pending>> held;
  for (std::size_t i = 0; i < HttpClient::kMaxCalls; ++i) {
    HttpCall call = to(silent.url());
    if (i == HttpClient::kMaxCalls - 1) call.timeout = milliseconds(300);
    held.push_back(std::make_unique<Pending>(client, call));
  }
  CHECK(code_of(get(client, to(silent.url()))) == Errc::busy);
  CHECK(code_of(held.back()->result()) == Errc::timeout);
  HttpCall after = to(silent.url());
  after.timeout = milliseconds(10);
  CHECK(code_of(get(client, after)) == Errc::timeout);
  client.stop();
  for (std::size_t i = 0; i + 1 < held.size(); ++i) REQUIRE(code_of(held[i]->result()) == Errc::unavailable);
  for (auto& one : held) REQUIRE(one->calls() == 1);
}

TEST_CASE("an answer of more bytes than allowed is refused by its length, else at the bound") {
  struct Row {
    std::string name, head, body;
    std::size_t bound;
    bool is_good;
  };
  const std::string many(5000, 'x');
  const Row rows[] = {
      {"length, one too many", "Content-Length: 5000\r\n", many, 4999, false},
      {"length, just so", "Content-Length: 5000\r\n", many, 5000, true},
      {"no length, one too many", "", many, 4999, false},
      {"no length, just so", "", many, 5000, true},
      {"chunks, one too many", "Transfer-Encoding: chunked\r\n", "1388\r\n" + many + "\r\n0\r\n\r\n", 4999, false},
      {"a length that is a lie", "Content-Length: 99999999999999\r\n", "", 4999, false},
  };
  HttpClient client;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const ScriptedHttp server(always("HTTP/1.1 200 OK\r\nConnection: close\r\n" + row.head + "\r\n" + row.body));
    HttpCall call = to(server.url());
    call.max_body = row.bound;
    const auto got = get(client, call);
    CHECK(code_of(got) == (row.is_good ? Errc::count_ : Errc::too_large));
  }
  const ScriptedHttp chatty(always("HTTP/1.1 200 OK\r\n" + [] {
    std::string lines;
    for (int i = 0; i < 2000; ++i) lines += "X-" + std::to_string(i) + ": " + std::string(60, 'y') + "\r\n";
    return lines;
  }() + "\r\n"));
  CHECK(code_of(get(client, to(chatty.url()))) == Errc::too_large);
}

TEST_CASE(
    "who cannot be reached, breaks off or speaks something else is a network error with the place and the reason") {
  struct Row {
    std::string name, bytes, words;
  };
  const Row rows[] = {
      {"nothing", "", "empty reply"},
      {"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "7 bytes remaining"},
      {"cut off in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ""},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/0.9"},
  };
  HttpClient client;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const ScriptedHttp server(always(row.bytes));
    const auto got = get(client, to(server.url("/hidden?canary", "u:canary@")));
    REQUIRE(code_of(got) == Errc::network);
    CAPTURE(got.error().message);
    CHECK(has(got.error().message, "\"127.0.0.1:" + std::to_string(server.port()) + "\""));
    CHECK(has(got.error().message, row.words));
    CHECK_FALSE(has(got.error().message, "canary"));
    CHECK_FALSE(has(got.error().message, "hidden"));
  }
  std::string gone;
  { gone = ScriptedHttp(always("")).url("/hidden?canary", "u:canary@"); }
  const auto refused = get(client, to(gone));
  REQUIRE(code_of(refused) == Errc::network);
  CHECK(has(refused.error().message, "cannot be connected to: Connection refused"));
  CHECK_FALSE(has(refused.error().message, "canary"));
  const auto unknown = get(client, to("http://a..b/x"));  // no name that could be looked up, so nobody is asked
  REQUIRE(code_of(unknown) == Errc::network);
  CHECK(has(unknown.error().message, "a..b"));
}

TEST_CASE("stopping ends calls on their way as unavailable before it returns, and later ones at once") {
  const Silent silent;
  HttpClient client;
  Pending one(client, to(silent.url()));
  Pending other(client, to(silent.url()));
  silent.wait_for(2);
  client.stop();
  CHECK(one.calls() == 1);
  CHECK(other.calls() == 1);
  CHECK(code_of(one.result()) == Errc::unavailable);
  Pending late(client, to(silent.url()));
  CHECK(late.calls() == 1);
  CHECK(code_of(late.result()) == Errc::unavailable);
  client.stop();
}

TEST_CASE("a caller's function may call again, throw, and let go of the client") {
  const ScriptedHttp server(always(file_response("ok")));
  SUBCASE("call again") {
    HttpClient client;
    std::promise<int> second;
    client.call(to(server.url()), [&](const Result<HttpReply>&) {
      client.call(to(server.url()), [&](const Result<HttpReply>& got) { second.set_value(got ? got->status : 0); });
    });
    auto future = second.get_future();
    REQUIRE(future.wait_for(kPatience) == std::future_status::ready);
    CHECK(future.get() == 200);
  }
  SUBCASE("throw") {
    HttpClient client;
    client.call(to(server.url()), [](const Result<HttpReply>&) { throw std::runtime_error("of the caller"); });
    CHECK(get(client, to(server.url())).has_value());
  }
  SUBCASE("let go") {
    auto client = std::make_shared<HttpClient>();
    std::promise<void> gone;
    auto* const raw = client.get();
    raw->call(to(server.url()), [&gone, own = std::move(client)](const Result<HttpReply>&) mutable {
      own.reset();
      gone.set_value();
    });
    REQUIRE(gone.get_future().wait_for(kPatience) == std::future_status::ready);
  }
}

TEST_CASE("calls of many threads are each answered once") {
  const ScriptedHttp server(
      [](const std::string& head) { return Scripted{file_response(head.substr(0, head.find(" HTTP/")))}; });
  HttpClient client;
  std::mutex mutex;
  std::multiset<std::string> bodies;
  std::promise<void> all;
  std::vector<std::thread> callers;
  for (int thread = 0; thread < 4; ++thread) {
    callers.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        client.call(to(server.url("/" + std::to_string(thread * 25 + i))), [&](const Result<HttpReply>& got) {
          const std::lock_guard lock(mutex);
          bodies.insert(got ? got->body : got.error().message);
          if (bodies.size() == 100) all.set_value();
        });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  REQUIRE(all.get_future().wait_for(kPatience) == std::future_status::ready);
  client.stop();
  for (int i = 0; i < 100; ++i) CHECK(bodies.count("GET /" + std::to_string(i)) == 1);
}

TEST_CASE("TLS is verified: the chain against the authorities, the name against the URL") {
  using jl::test::Leaf;
  const cert::Entry ca = jl::test::make_ca();
  struct Row {
    std::string name;
    Leaf leaf;
    bool is_trusted, is_good;
  };
  const Leaf good{.sans = "IP:127.0.0.1"};
  Leaf old = good;
  old.from = -7200, old.until = -3600;
  const Row rows[] = {{"good", good, true, true},
                      {"unknown authority", good, false, false},
                      {"another name", {.sans = "DNS:other.example"}, true, false},
                      {"expired", old, true, false}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const cert::Entry identity = jl::test::sign(row.leaf, &ca, false);
    const ScriptedHttp server(always(file_response("abc")), &identity);
    HttpClient client;
    HttpCall call = to(server.url());
    if (row.is_trusted) call.authorities = certificate_text(ca);
    const auto got = get(client, call);
    REQUIRE(got.has_value() == row.is_good);
    if (got) {
      CHECK(got->body == "abc");
    } else {
      CHECK(got.error().code == Errc::network);
      CHECK(has(got.error().message, "is not trusted: "));
      CHECK(server.heads().empty());
    }
  }
}

TEST_SUITE_END();
