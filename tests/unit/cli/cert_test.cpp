// jlctl cert: files as values, key stores that say what they are, and the checks that need no daemon.
#include "cli/flags.hpp"
#include "common/cert/generate.hpp"
#include "common/cert/read.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

using namespace jl;
using namespace jl::cli::test;

namespace {

constexpr Millis kDay = 24LL * 3600 * 1000;

Millis now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

struct Pair {
  std::string key, cert;
};
Pair generate(const std::string& name, Millis at = now(), int days = 365) {
  cert::Request request;
  request.common_name = name;
  request.names = {name};
  request.days = days;
  request.now = at;
  const auto made = cert::generate(request, nullptr);
  REQUIRE(made.has_value());
  return {made->key_pem.reveal(), made->cert_pem};
}

json::value reply(const char* result) {
  return {{"result", result},
          {"kind", "cert"},
          {"id", "web"},
          {"revision", 2},
          {"data", {{"id", "web"}, {"status", {{"usedBy", {"network/a", "network/b"}}}}}}};
}

FakeDaemon::Answer answering(const char* result) {
  return [result](const SeenRequest&) { return ok(reply(result)); };
}

json::object sent(const FakeDaemon& daemon) { return daemon.requests().back().json().at("spec").as_object(); }

}  // namespace

TEST_SUITE("cli.cert") {
  TEST_CASE("files become the texts and the base64 of the material; the format of a key store is seen [network 5.3]") {
    const FakeDaemon daemon(answering("created"));
    const TempFolder folder;
    const Pair pair = generate("web");
    const std::string key = folder.file("key.pem", pair.key);
    const std::string chain = folder.file("chain.pem", pair.cert, 0644);
    CHECK(run(daemon, {"cert", "add", "web", "--key-file", key, "--cert-file", chain, "--mode", "client"}).code == 0);
    CHECK(sent(daemon) ==
          json::value{{"mode", "client"}, {"configs", {{"key", pair.key}, {"cert", pair.cert}}}}.as_object());

    const std::string pw = folder.file("pw", "pass\n");
    const std::string pfx = folder.file("s.p12", std::string("\x30\x82\x01\x00\n", 5));
    CHECK(run(daemon, {"cert", "add", "web", "--keystore-file", pfx, "--keystore-pwd-file", pw}).code == 0);
    CHECK(sent(daemon) ==
          json::value{{"format", "PFX"}, {"configs", {{"keystoreBase64", "MIIBAAo="}, {"keystorePwd", "pass"}}}}
              .as_object());
    const std::string jks = folder.file("s.jks", std::string("\xFE\xED\xFE\xED\x00\x00\x00\x02", 8));
    CHECK(run(daemon, {"cert", "edit", "web", "--keystore-file", jks, "--trust-keystore-file", jks}).code == 0);
    CHECK(sent(daemon) ==
          json::value{{"format", "JKS"},
                      {"configs", {{"keystoreBase64", "/u3+7QAAAAI="}, {"trustKeyStoreBase64", "/u3+7QAAAAI="}}}}
              .as_object());
    CHECK(run(daemon, {"cert", "add", "web", "--format", "pem", "--keystore-file", pfx}).code == 0);
    CHECK(sent(daemon).at("format") == "PEM");
  }

  TEST_CASE("a file of - is standard input, read once; descriptors work; nothing takes a secret's value [cli.md 48]") {
    const FakeDaemon daemon(answering("created"));
    const TempFolder folder;
    const Pair pair = generate("web");
    Given given;
    given.input = pair.key + pair.cert;
    CHECK(run(daemon, {"cert", "add", "web", "--key-file", "-"}, given).code == 0);
    CHECK(sent(daemon).at("configs") == json::value{{"key", given.input}});
    CHECK(run(daemon, {"cert", "add", "web", "--key-stdin"}, given).code == 0);
    CHECK(sent(daemon).at("configs") == json::value{{"key", given.input}});
    CHECK(run(daemon, {"cert", "add", "web", "--key-file", "-", "--cert-file", "-"}, given).code == 2);
    const int fd = ::open(folder.file("pw", "pass\n").c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(run(daemon, {"cert", "edit", "web", "--key-pwd-fd", std::to_string(fd)}).code == 0);
    ::close(fd);
    CHECK(sent(daemon) == json::value{{"configs", {{"keyPwd", "pass"}}}}.as_object());
    for (const char* flag : {"--key", "--cert", "--keystore", "--key-pwd", "--configs", "--enabled"}) {
      CAPTURE(flag);
      CHECK(run(daemon, {"cert", "add", "web", flag, "canary"}).code == 2);
    }
    CHECK(run(daemon, {"cert", "add", "web", "--key-file", folder.path() + "/none"}).code == 2);
    CHECK(run(daemon, {"cert", "add", "web", "--cert-file", folder.file("empty", "")}).code == 2);
    CHECK(run(daemon, {"cert", "add", "web", "--cert-file", folder.file("big", std::string((1U << 20U) + 1, 'x'))})
              .code != 0);
  }

  TEST_CASE("only a file that holds a secret is warned of when others may read it [cli.md 49]") {
    const FakeDaemon daemon(answering("created"));
    const TempFolder folder;
    const Pair pair = generate("web");
    const std::string open_key = folder.file("key.pem", pair.key, 0644);
    const std::string chain = folder.file("chain.pem", pair.cert, 0644);
    const auto both = run(daemon, {"cert", "add", "web", "--key-file", open_key, "--cert-file", chain});
    CHECK(both.err.find(open_key) != std::string::npos);
    CHECK(both.err.find(chain) == std::string::npos);
  }

  TEST_CASE("--debug and --unset show and take no key [cli.md 50]") {
    const FakeDaemon daemon(answering("updated"));
    const TempFolder folder;
    const Pair pair = generate("web");
    const auto out = run(daemon, {"cert", "renew", "web", "--key-file", folder.file("k", pair.key), "--debug"});
    CHECK(out.code == 0);
    CHECK(out.err.find("POST /v1/certs/web/renew") != std::string::npos);
    CHECK((out.out + out.err).find(pair.key.substr(40, 60)) == std::string::npos);
    CHECK((out.out + out.err).find("PRIVATE KEY") == std::string::npos);
    CHECK(run(daemon, {"cert", "edit", "web", "--unset", "configs.trust"}).code == 0);
    CHECK(sent(daemon) == json::value{{"configs", {{"trust", nullptr}}}}.as_object());
  }

  TEST_CASE("renew sends material alone and says who took it over") {
    const FakeDaemon daemon(answering("updated"));
    const TempFolder folder;
    const Pair pair = generate("web");
    Given terminal;
    terminal.out_is_tty = terminal.err_is_tty = true;
    const auto out = run(
        daemon,
        {"cert", "renew", "web", "--key-file", folder.file("k", pair.key), "--cert-file", folder.file("c", pair.cert)},
        terminal);
    CHECK(out.err == "cert/web updated (revision 2)\ntaken over by network/a,network/b\n");
    CHECK(daemon.requests().back().target == "/v1/certs/web/renew");
    CHECK(sent(daemon) == json::value{{"configs", {{"key", pair.key}, {"cert", pair.cert}}}}.as_object());
    CHECK(run(daemon, {"cert", "renew", "web", "--name", "x"}).code == 2);
    CHECK(run(daemon, {"cert", "renew", "web"}).code == 2);
  }

  TEST_CASE("generate sends what was asked for") {
    const FakeDaemon daemon(answering("created"));
    CHECK(run(daemon, {"cert", "generate", "web", "--cn", "Web", "--san", "a.example,b.example", "--san", "192.0.2.7",
                       "--days", "30", "--key-type", "rsa-2048", "--ca", "--issuer", "ca"})
              .code == 0);
    CHECK(daemon.requests().back().target == "/v1/certs/generate");
    CHECK(daemon.requests().back().json() == json::value{{"id", "web"},
                                                         {"cn", "Web"},
                                                         {"san", {"a.example", "b.example", "192.0.2.7"}},
                                                         {"days", "30"},
                                                         {"keyType", "rsa-2048"},
                                                         {"ca", true},
                                                         {"issuer", "ca"}});
    CHECK(run(daemon, {"cert", "generate", "web", "--key-type", "rsa-512"}).code == 2);
  }

  TEST_CASE("show --show-private ends with the key, and without it no key is asked for") {
    const Pair pair = generate("web");
    const FakeDaemon daemon({{"GET /v1/certs/web", ok(json::value{{"id", "web"}})},
                             {"GET /v1/certs/web?showPrivate=true",
                              ok(json::value{{"id", "web"}, {"privateKeys", {{{"pem", pair.key}}}}})}});
    const auto with = run(daemon, {"cert", "show", "web", "--show-private"});
    CHECK(with.out == "id\tweb\n\nprivate key:\n" + pair.key);
    CHECK(json::parse(run(daemon, {"cert", "show", "web", "--show-private", "-o", "json"}).out)
              .at("data")
              .at("privateKeys")
              .at(0)
              .at("pem") == json::value(pair.key));
    CHECK(run(daemon, {"cert", "show", "web"}).out == "id\tweb\n");
    CHECK(run(daemon, {"cert", "show", "web", "other", "--show-private"}).code == 2);
  }

  TEST_CASE("check looks at files without a daemon: 0 when all is well, 5 when something is wrong") {
    const TempFolder folder;
    const Pair good = generate("good.example");
    const Pair other = generate("other.example");
    const std::string key = folder.file("key.pem", good.key);
    const std::string chain = folder.file("chain.pem", good.cert);
    const std::string expired = folder.file("expired.pem", generate("late", now() - 400 * kDay).cert);
    const std::string soon = folder.file("soon.pem", generate("soon.example", now(), 5).cert);
    const std::string text = folder.file("text", "this is no certificate\n");
    const auto check = [](std::vector<std::string> words) {
      words.insert(words.begin(), {"cert", "check"});
      return run(words);
    };
    const auto fine = check({chain, "--key-file", key});
    CHECK(fine.code == 0);
    CHECK(fine.out.find("subject\tCN=good.example\n") != std::string::npos);
    CHECK(fine.out.find("PRIVATE") == std::string::npos);
    CHECK(check({key}).code == 0);
    CHECK(check({soon}).code == 0);
    CHECK(check({chain, "--key-file", folder.file("other.pem", other.key)}).code == 5);
    CHECK(check({expired}).code == 5);
    CHECK(check({text}).code == 5);
    CHECK(check({folder.path() + "/none"}).code == 2);
    CHECK(check({chain, "--key-file", chain}).code == 5);

    const auto all = check({chain, expired, text, "-o", "json"});
    CHECK(all.code == 5);
    const auto items = json::parse(all.out).at("data").at("items").as_array();
    REQUIRE(items.size() == 3);
    CHECK(items[0].at("validity") == "ok");
    CHECK(items[0].at("sans") == json::value{"good.example"});
    CHECK(items[1].at("validity") == "expired");
    CHECK(items[2].at("validity") == "unreadable");
    CHECK(items[2].at("problems").at(0).at("severity") == "error");
    Given given;
    given.input = good.cert;
    CHECK(run({"cert", "check", "-"}, given).code == 0);
  }

  TEST_CASE("test-connect ends with 0 when the peer is verified and with 10 when not") {
    const TempFolder folder;
    const std::string ca = folder.file("ca.pem", "-----BEGIN CERTIFICATE-----", 0644);
    for (const bool verified : {true, false}) {
      CAPTURE(verified);
      const FakeDaemon daemon({{"POST /v1/certs/test-connect", ok(json::value{{"verified", verified}})}});
      const auto out = run(daemon, {"cert", "test-connect", "host:8883", "--ca-file", ca, "--servername", "name",
                                    "--connect-timeout", "5s"});
      CHECK(out.code == (verified ? 0 : 10));
      CHECK(daemon.requests().back().json() == json::value{{"address", "host:8883"},
                                                           {"servername", "name"},
                                                           {"connectTimeout", "5s"},
                                                           {"ca", "-----BEGIN CERTIFICATE-----"}});
    }
  }
}
