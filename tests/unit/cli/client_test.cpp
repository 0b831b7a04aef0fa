// What goes wrong between jlctl and the daemon, and how it is told.
#include "cli/http.hpp"
#include "common/control/problem.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

using namespace jl;
using namespace jl::cli::test;

namespace {

json::value error_of(const Outcome& outcome) {
  REQUIRE(!outcome.err.empty());
  return json::parse(outcome.err).at("error");
}

// A socket that nobody accepts from; with a queue of none when `full`.
struct DeadSocket {
  explicit DeadSocket(const std::string& path, bool listening) : fd(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<void*>(address.sun_path), path.data(), path.size());
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    if (listening) REQUIRE(::listen(fd, 0) == 0);
  }
  ~DeadSocket() { ::close(fd); }
  int fd;
};

}  // namespace

TEST_SUITE("cli.client") {
  TEST_CASE("five different reasons why the daemon does not answer are five different errors [cli.md 25]") {
    const TempFolder folder;
    const auto code_at = [&](const std::string& socket, std::vector<std::string> more = {}) {
      std::vector<std::string> words{"status", "--json", "--socket", socket};
      words.insert(words.end(), more.begin(), more.end());
      const Outcome out = run(words);
      CHECK(out.out.empty());
      const auto error = error_of(out);
      CHECK(!error.at("hint").as_string().empty());
      CHECK(error.at("exitCode") == out.code);
      return std::string(error.at("code").as_string());
    };
    CHECK(code_at(folder.path() + "/none.sock") == "no_socket");
    const DeadSocket closed(folder.path() + "/closed.sock", false);
    CHECK(code_at(folder.path() + "/closed.sock") == "not_running");
    const DeadSocket full(folder.path() + "/full.sock", true);
    const auto first = jl::cli::connect_socket(folder.path() + "/full.sock", std::chrono::milliseconds(100));
    REQUIRE(first.has_value());
    CHECK(code_at(folder.path() + "/full.sock", {"--timeout", "20ms"}) == "busy");
    ::close(*first);
    const FakeDaemon other([](const SeenRequest&) {
      Reply reply = ok(json::object());
      reply.api = "2.0";
      return reply;
    });
    CHECK(code_at(other.socket()) == "version_mismatch");
    const FakeDaemon stranger([](const SeenRequest&) {
      Reply reply = ok(json::object());
      reply.api = "";
      return reply;
    });
    CHECK(code_at(stranger.socket()) == "version_mismatch");
    CHECK(code_at("/" + std::string(200, 'x')) == "usage");
  }

  TEST_CASE("a socket that one may not open is told apart from one that is not there [cli.md 25]") {
    const FakeDaemon daemon(std::map<std::string, Reply>{});
    // Root may open every socket, so somebody else tries: the folder is its owner's only.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      constexpr uid_t kNobody = 65534;
      if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(2);
      if (::geteuid() != kNobody) ::chmod(daemon.socket().c_str(), 0);
      const auto fd = jl::cli::connect_socket(daemon.socket(), std::chrono::milliseconds(1000));
      ::_exit(fd.has_error() && fd.error().code == Errc::socket_denied ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(info(Errc::socket_denied).exit_code == 6);
  }

  TEST_CASE("a minor version that differs is one warning on a terminal [cli.md 54]") {
    const FakeDaemon newer([](const SeenRequest&) {
      Reply reply = ok(json::object{{"items", json::array()}});
      reply.api = "1.7";
      return reply;
    });
    Given terminal;
    terminal.err_is_tty = true;
    const auto out = run(newer, {"network", "list"}, terminal);
    CHECK(out.code == 0);
    CHECK(out.err.find("1.7") != std::string::npos);
    CHECK(run(newer, {"network", "list"}).err.empty());
  }

  TEST_CASE("every error of the table keeps its word and gets its exit code [cli.md 23, 24]") {
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      Error error(row.code, "it went wrong", "do this", "spec.x");
      const FakeDaemon daemon([&](const SeenRequest&) {
        Reply reply = ok(control::to_problem(error, "req-1"), row.http_status < 300 ? 500 : row.http_status);
        return reply;
      });
      const auto text = run(daemon, {"network", "show", "a"});
      CHECK(text.code == row.exit_code);
      CHECK(text.out.empty());
      CHECK(text.err == "jlctl: error[" + std::string(row.word) + "]: it went wrong (network/a)\nhint: do this\n");
      const auto structured = error_of(run(daemon, {"network", "show", "a", "-o", "json"}));
      CHECK(structured.at("code").as_string() == row.word);
      CHECK(structured.at("retryable") == row.retryable);
      CHECK(structured.at("exitCode") == row.exit_code);
      CHECK(structured.at("field") == "spec.x");
      CHECK(structured.at("requestId") == "req-1");
      CHECK(structured.at("hint") == "do this");
    }
  }

  TEST_CASE("a daemon that hangs is a timeout, one that hangs up is unavailable [cli.md 44]") {
    const FakeDaemon silent([](const SeenRequest&) {
      Reply reply;
      reply.silent = true;
      return reply;
    });
    CHECK(run(silent, {"status", "--timeout", "20ms"}).code == 8);
    const FakeDaemon gone([](const SeenRequest&) {
      Reply reply;
      reply.hang_up = true;
      return reply;
    });
    CHECK(run(gone, {"status"}).code == 7);
  }

  TEST_CASE(
      "--connect-retry waits for a daemon that is not there yet, never after a usage or permission error [cli.md 46]") {
    std::atomic<int> asked{0};
    const FakeDaemon late([&](const SeenRequest&) {
      if (++asked < 3) return failure(Error(Errc::unavailable, "starting"));
      return ok(json::object{{"ready", true}});
    });
    CHECK(run(late, {"status", "--connect-retry", "10s"}).code == 0);
    CHECK(asked == 3);
    CHECK(run(late, {"status", "--connect-retry", "0"}).code == 0);
    asked = 0;
    const FakeDaemon refusing([&](const SeenRequest&) {
      ++asked;
      return failure(Error(Errc::denied, "no"));
    });
    CHECK(run(refusing, {"status", "--connect-retry", "10s"}).code == 6);
    CHECK(asked == 1);
    CHECK(run({"status", "--connect-retry", "60ms", "--socket", "/nonexistent/x"}).code == 7);
  }

  TEST_CASE("a call that may have been carried out is not made twice") {
    std::atomic<int> asked{0};
    const FakeDaemon dying([&](const SeenRequest& request) {
      if (request.method != "GET") ++asked;
      Reply reply;
      reply.hang_up = request.method != "GET";
      if (!reply.hang_up) return ok(json::object{{"sessions", 0}});
      return reply;
    });
    CHECK(run(dying, {"network", "enable", "a", "--connect-retry", "10s"}).code == 7);
    CHECK(asked == 1);
    // The question before it leaves the connection open; the mutation goes out on it, once.
    CHECK(run(dying, {"network", "disable", "a"}).code == 7);
    CHECK(asked == 2);
  }

  TEST_CASE("one connection serves several calls") {
    const FakeDaemon daemon(
        {{"GET /v1/networks/a", ok(json::object{{"id", "a"}})}, {"GET /v1/networks/b", ok(json::object{{"id", "b"}})}});
    CHECK(run(daemon, {"network", "show", "a", "b"}).code == 0);
    CHECK(daemon.connections() == 1);
  }

  TEST_CASE("a connection that the daemon closed while it was idle is opened anew, also for a mutation") {
    const FakeDaemon daemon([](const SeenRequest& request) {
      Reply reply = ok(request.method == "GET" ? json::object{{"sessions", 0}} : json::object{{"result", "deleted"}});
      reply.close_after = true;
      return reply;
    });
    Given terminal;
    terminal.in_is_tty = terminal.err_is_tty = true;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    terminal.in = ends[0];
    // The person answers once the daemon has closed the connection of the question.
    std::thread person([&] {
      while (daemon.closed() == 0) std::this_thread::yield();
      [[maybe_unused]] const auto n = ::write(ends[1], "y\n", 2);
    });
    CHECK(run(daemon, {"network", "delete", "a"}, terminal).code == 0);
    person.join();
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK(daemon.connections() == 2);
  }

  TEST_CASE("what concerns the daemon ends a batch at once with its own code") {
    CHECK(run({"network", "enable", "a", "b", "--socket", "/nonexistent/x"}).code == 7);
    CHECK(run({"network", "show", "a", "b", "--socket", "/nonexistent/x"}).code == 7);
    const FakeDaemon refusing([](const SeenRequest&) { return failure(Error(Errc::denied, "no")); });
    CHECK(run(refusing, {"network", "enable", "a", "b"}).code == 6);
    CHECK(refusing.requests().size() == 1);
  }

  TEST_CASE("answers that are no JSON, or no HTTP, are errors") {
    const FakeDaemon odd([](const SeenRequest&) {
      Reply reply;
      reply.body = "<html>";
      return reply;
    });
    CHECK(run(odd, {"status"}).code == 1);
    Reply mute = ok(json::object(), 500);
    mute.body = "oops";
    const FakeDaemon broken({{"GET /v1/status", mute}});
    CHECK(run(broken, {"status"}).code == 1);
  }

  TEST_CASE("ids and filters are percent-encoded") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(json::object{{"items", json::array()}}); });
    CHECK(run(daemon, {"network", "show", "a/b?c d"}).code == 0);
    CHECK(daemon.requests().back().target == "/v1/networks/a%2Fb%3Fc%20d");
    CHECK(run(daemon, {"device", "list", "--name", "北*", "--product", "p&x=1", "--enabled", "true"}).code == 0);
    CHECK(daemon.requests().back().target == "/v1/devices?name=%E5%8C%97%2A&enabled=true&productId=p%26x%3D1");
  }

  TEST_CASE("who is behind sudo and ssh is passed on, unless it would break the header") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(json::object()); });
    Given given;
    given.variables = {{"SUDO_USER", "alice"}, {"SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22\r\nX: y"}};
    CHECK(run(daemon, {"status"}, given).code == 0);
    CHECK(daemon.requests().back().head.find("Jlctl-Sudo-User: alice") != std::string::npos);
    CHECK(daemon.requests().back().head.find("X: y") == std::string::npos);
  }

  TEST_CASE("a reply in chunks cut anywhere is put together") {
    Reply reply;
    reply.type = "application/x-ndjson";
    reply.chunks = {"{\"id\"", ":\"a\"}\n{", "\"id\":\"b\"}\n\n", "{\"id\":\"c\"}"};
    const FakeDaemon daemon({{"GET /v1/networks", reply}});
    CHECK(run(daemon, {"network", "list", "-o", "jsonl"}).out == "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n");
  }
}
