// Secrets: never on a command line, never in what is shown.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

using namespace jl;
using namespace jl::cli::test;

namespace {

const json::value kCreated{{"result", "created"}, {"kind", "device"}, {"id", "d"}, {"revision", 1}};

std::string sent_key(const FakeDaemon& daemon) {
  return std::string(daemon.requests().back().json().at("spec").at("configuration").at("secureKey").as_string());
}

// A pair of pseudo-terminal ends.
struct Terminal {
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(master >= 0);
    REQUIRE(::grantpt(master) == 0);
    REQUIRE(::unlockpt(master) == 0);
    std::array<char, 128> name{};
    REQUIRE(::ptsname_r(master, name.data(), name.size()) == 0);
    slave = ::open(name.data(), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
  }
  ~Terminal() {
    ::close(slave);
    ::close(master);
  }
  [[nodiscard]] bool echoes() const {
    termios state{};
    return ::tcgetattr(slave, &state) == 0 && (state.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
  }
  int master;
  int slave = -1;
};

}  // namespace

TEST_SUITE("cli.secrets") {
  TEST_CASE("no flag takes a secret value: secret-like keys of --config are refused with a hint [cli.md 48]") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(kCreated, 201); });
    for (const char* key : {"secureKey", "bearer_token", "userPassword", "client-secret", "API_KEY", "passphrase"}) {
      CAPTURE(key);
      const auto out = run(daemon, {"device", "add", "d", "--product", "p", "--config", std::string(key) + "=canary"});
      CHECK(out.code == 2);
      CHECK(out.err.find("--config-secret-file " + std::string(key)) != std::string::npos);
      CHECK(out.err.find("canary") == std::string::npos);
    }
    CHECK(daemon.requests().empty());
    for (const char* key : {"secureId", "publicKey", "keyboard", "username"}) {
      CAPTURE(key);
      CHECK(run(daemon, {"device", "add", "d", "--product", "p", "--config", std::string(key) + "=x"}).code == 0);
    }
  }

  TEST_CASE(
      "secrets come from a file, standard input, a descriptor or a credential, without their last newline [cli.md "
      "48]") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(kCreated, 201); });
    const std::string file = daemon.folder().file("key", "canary \n\n");
    const std::vector<std::string> base{"device", "add", "d", "--product", "p"};
    const auto with = [&](std::vector<std::string> more, Given given = {}) {
      std::vector<std::string> words = base;
      words.insert(words.end(), more.begin(), more.end());
      const auto out = run(daemon, words, given);
      CHECK(out.code == 0);
      CHECK(out.err.empty());
      return sent_key(daemon);
    };
    CHECK(with({"--config-secret-file", "secureKey=" + file}) == "canary \n");
    Given typed;
    typed.input = "canary\r\n";
    CHECK(with({"--config-secret-stdin", "secureKey"}, typed) == "canary");
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(with({"--config-secret-fd", "secureKey=" + std::to_string(fd)}) == "canary \n");
    ::close(fd);
    Given systemd;
    systemd.variables["CREDENTIALS_DIRECTORY"] = daemon.folder().path();
    CHECK(with({"--config-secret-credential", "secureKey=key"}, systemd) == "canary \n");
  }

  TEST_CASE("ways in that lead nowhere are usage errors") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(kCreated, 201); });
    Given systemd;
    systemd.variables["CREDENTIALS_DIRECTORY"] = daemon.folder().path();
    for (const auto& [flag, value] :
         std::vector<std::pair<std::string, std::string>>{{"--config-secret-file", "secureKey=/nonexistent"},
                                                          {"--config-secret-file", "secureKey"},
                                                          {"--config-secret-fd", "secureKey=999"},
                                                          {"--config-secret-fd", "secureKey=x"},
                                                          {"--config-secret-credential", "secureKey=../etc"},
                                                          {"--config-secret-credential", "secureKey=none"}}) {
      CAPTURE(value);
      CHECK(run(daemon, {"device", "add", "d", flag, value}, systemd).code == 2);
    }
    CHECK(run(daemon, {"device", "add", "d", "--config-secret-credential", "secureKey=key"}).code == 2);
    CHECK(run(daemon, {"device", "add", "d", "--config-secret-stdin", "a", "--config-secret-stdin", "b"}).code == 2);
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("a secret file that others may read raises a warning [cli.md 49]") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(kCreated, 201); });
    const std::string file = daemon.folder().file("key", "canary", 0644);
    const auto out = run(daemon, {"device", "add", "d", "--config-secret-file", "secureKey=" + file});
    CHECK(out.code == 0);
    CHECK(out.err.find("warning") != std::string::npos);
    const auto structured = run(daemon, {"device", "add", "d", "--json", "--config-secret-file", "secureKey=" + file});
    CHECK(json::parse(structured.err).at("warning").at("message").is_string());
  }

  TEST_CASE("on a terminal a secret is typed without echo, which comes back [cli.md 48]") {
    const FakeDaemon daemon([](const SeenRequest&) { return ok(kCreated, 201); });
    const Terminal terminal;
    Given given;
    given.in = terminal.slave;
    given.in_is_tty = given.err_is_tty = true;
    // TCSAFLUSH drops what was typed before the prompt: type until it is taken.
    std::atomic<bool> done{false};
    std::thread typist([&] {
      while (!done) {
        if (!terminal.echoes()) {
          [[maybe_unused]] const auto n = ::write(terminal.master, "canary\n", 7);
          return;
        }
        std::this_thread::yield();
      }
    });
    const auto out = run(daemon, {"device", "add", "d", "--config-secret-stdin", "secureKey"}, given);
    done = true;
    typist.join();
    CHECK(out.code == 0);
    CHECK(sent_key(daemon) == "canary");
    CHECK(terminal.echoes());
    CHECK(out.err.find("secureKey: ") != std::string::npos);
    CHECK(out.err.find("canary") == std::string::npos);
    CHECK(run(daemon, {"device", "add", "d", "--config-secret-stdin", "secureKey", "--no-input"}, given).code == 12);
  }

  TEST_CASE("--debug shows the call and never a secret, under whatever name [cli.md 50]") {
    const FakeDaemon daemon([](const SeenRequest& request) {
      if (request.target.starts_with("/v1/apply"))
        return ok(json::object{{"result", "applied"}, {"summary", json::object{{"created", 1}}}});
      // An answer that echoes what it got is masked too.
      return ok(json::value{{"result", "created"}, {"echo", json::parse(request.body)}, {"note", "got canary"}}, 201);
    });
    const std::string file = daemon.folder().file("key", "canary\n");
    const auto out = run(daemon, {"device", "add", "d", "--product", "p", "--debug", "--config-secret-file",
                                  "secureKey=" + file, "--config-secret-file", "harmless=" + file});
    CHECK(out.code == 0);
    CHECK(daemon.requests().back().body.find("canary") != std::string::npos);
    CHECK(out.err.find("> POST /v1/devices") != std::string::npos);
    CHECK(out.err.find("< 201") != std::string::npos);
    CHECK(out.err.find("productId") != std::string::npos);
    CHECK(out.err.find("canary") == std::string::npos);

    const std::string manifest = daemon.folder().file(
        "d.yaml", "kind: device\nid: d\nspec:\n  productId: p\n  configuration:\n    odd: {fromFile: key}\n");
    const auto applied = run(daemon, {"apply", "-f", manifest, "--debug"});
    CHECK(applied.code == 0);
    CHECK(daemon.requests().back().body.find("canary") != std::string::npos);
    CHECK(applied.err.find("canary") == std::string::npos);
  }
}
