#include "daemon/network/tls_probe.hpp"

#include "common/cert/generate.hpp"
#include "common/cert/read.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <thread>

namespace jl::network {
namespace {

struct Made {
  cert::Bundle bundle;
  std::string key, pem;
};
Made generate(const std::string& name, bool is_ca, const cert::Entry* issuer) {
  cert::Request request;
  request.common_name = name;
  request.names = {name};
  request.is_ca = is_ca;
  request.now = 1'700'000'000'000;
  request.days = 36'500;
  const auto made = cert::generate(request, issuer);
  REQUIRE(made.has_value());
  Made out{{}, made->key_pem.reveal(), made->cert_pem};
  cert::Source source;
  source.key = out.key;
  source.cert = out.pem;
  auto bundle = cert::read(source);
  REQUIRE(bundle.has_value());
  out.bundle = std::move(*bundle);
  return out;
}

// A listener that takes one connection; with an identity it greets it with TLS, without it says nothing.
class Server {
 public:
  explicit Server(const cert::Entry* identity) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // as jlinkd does: a probe leaves as soon as it has seen enough
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* const raw = &address;
    REQUIRE(::bind(fd_, static_cast<sockaddr*>(raw), sizeof address) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(fd_, static_cast<sockaddr*>(raw), &length) == 0);
    port_ = ntohs(address.sin_port);
    if (identity) thread_ = std::thread([this, identity] { greet(*identity); });
  }
  ~Server() {
    ::shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }
  Server(const Server&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void greet(const cert::Entry& identity) const {
    const int client = ::accept(fd_, nullptr, nullptr);
    if (client < 0) return;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    SSL_CTX_use_certificate(context.get(), identity.chain.front().get());
    SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
    for (std::size_t i = 1; i < identity.chain.size(); ++i)
      SSL_CTX_add1_chain_cert(context.get(), identity.chain[i].get());
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
    SSL_set_fd(session.get(), client);
    SSL_accept(session.get());
    char byte = 0;
    SSL_read(session.get(), &byte, 1);
    ::close(client);
  }

  int fd_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TlsProbe probe_of(std::uint16_t port) {
  TlsProbe out;
  out.host = "127.0.0.1";
  out.port = port;
  return out;
}

}  // namespace

TEST_SUITE("network.tls_probe") {
  TEST_CASE("a peer is verified by its authority and its name; otherwise it says why not") {
    const Made ca = generate("authority", true, nullptr);
    const Made other = generate("authority", true, nullptr);
    const Made leaf = generate("gw.example", false, &ca.bundle.entries.front());
    cert::Bundle trust, wrong;
    trust.trust = ca.bundle.entries.front().chain;
    wrong.trust = other.bundle.entries.front().chain;
    struct Row {
      const char* name;
      const cert::Bundle* bundle;
      bool verified;
    };
    for (const Row& row : {Row{"gw.example", &trust, true}, Row{"other.example", &trust, false}, Row{"", &trust, false},
                           Row{"gw.example", &wrong, false}, Row{"gw.example", nullptr, false}}) {
      CAPTURE(row.name);
      const Server server(&leaf.bundle.entries.front());
      TlsProbe probe = probe_of(server.port());
      probe.server_name = row.name;
      probe.bundle = row.bundle;
      const auto peer = probe_tls(probe);
      REQUIRE(peer.has_value());
      CHECK(peer->verified == row.verified);
      CHECK(peer->reason.empty() == row.verified);
      CHECK(peer->protocol == "TLSv1.3");
      CHECK_FALSE(peer->cipher.empty());
      REQUIRE(peer->chain.size() == leaf.bundle.entries.front().chain.size());
      CHECK(X509_cmp(peer->chain.front().get(), leaf.bundle.entries.front().chain.front().get()) == 0);
    }
  }

  TEST_CASE("who is not there, says nothing, or is not waited for any longer is an error of its own") {
    std::uint16_t port = 0;
    {
      const Server silent(nullptr);
      port = silent.port();
      TlsProbe probe = probe_of(port);
      probe.timeout = std::chrono::milliseconds(1);
      CHECK(probe_tls(probe).error().code == Errc::timeout);
      const std::atomic<bool> cancelled{true};
      probe.timeout = std::chrono::hours(1);
      probe.cancelled = &cancelled;
      CHECK(probe_tls(probe).error().code == Errc::unavailable);
    }
    CHECK(probe_tls(probe_of(port)).error().code == Errc::job_failed);
    TlsProbe nowhere = probe_of(1);
    nowhere.host = "no such host";
    CHECK(probe_tls(nowhere).error().code == Errc::job_failed);
  }
}

}  // namespace jl::network
