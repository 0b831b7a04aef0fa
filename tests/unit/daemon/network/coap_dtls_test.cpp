// CoAP over DTLS: shared keys and certificates, with OpenSSL as the peer.
#include "daemon/network/coap_server.hpp"

#include "tests/support/tls_material.hpp"
#include "tests/unit/daemon/network/coap_made_body.hpp"
#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using namespace jl::test;

struct DtlsOptions {
  std::string ciphers = "ALL:@SECLEVEL=0";
  std::string identity{}, key{};            ///< of a shared key; "" = none is offered
  const cert::Entry* own = nullptr;         ///< presented when asked for
  std::vector<const cert::Entry*> trust{};  ///< empty = anybody is believed
  int patience = 5;                         ///< seconds
};

// One DTLS session, blocking.
class DtlsClient {
 public:
  DtlsClient(std::uint16_t port, DtlsOptions options) : options_(std::move(options)), socket_(port) {
    const timeval limit{options_.patience, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    context_ = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_set_cipher_list(context_, options_.ciphers.c_str());
    if (!options_.key.empty()) {
      SSL_CTX_set_psk_client_callback(context_, &DtlsClient::tell_key);
    }
    if (options_.own != nullptr) {
      REQUIRE(SSL_CTX_use_certificate(context_, options_.own->chain.front().get()) == 1);
      REQUIRE(SSL_CTX_use_PrivateKey(context_, options_.own->key.get()) == 1);
    }
    for (const auto* ca : options_.trust) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca->chain.front().get());
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }
    ssl_ = SSL_new(context_);
    SSL_set_app_data(ssl_, this);
    SSL_set_mtu(ssl_, 1200);
    SSL_set_options(ssl_, SSL_OP_NO_QUERY_MTU);
    SSL_set_msg_callback(ssl_, &DtlsClient::watch);
    SSL_set_msg_callback_arg(ssl_, this);
    BIO* bio = BIO_new_dgram(socket_.fd(), BIO_NOCLOSE);
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    ::getpeername(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &size);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
    SSL_set_bio(ssl_, bio, bio);
  }
  ~DtlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  DtlsClient(const DtlsClient&) = delete;

  [[nodiscard]] bool connect() {
    ERR_clear_error();
    const bool done = SSL_connect(ssl_) == 1;
    ERR_clear_error();
    return done;
  }
  [[nodiscard]] SSL* ssl() const { return ssl_; }
  [[nodiscard]] bool had_cookie() const { return had_cookie_; }
  [[nodiscard]] std::string cipher() const { return SSL_get_cipher_name(ssl_); }
  void send(std::string_view bytes) const {
    REQUIRE(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
  }
  [[nodiscard]] std::string receive_bytes() const {
    std::array<char, 4096> bytes{};
    const int got = SSL_read(ssl_, bytes.data(), bytes.size());
    return {bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }
  [[nodiscard]] CoapPdu receive() const {
    const std::string bytes = receive_bytes();
    REQUIRE_FALSE(bytes.empty());
    return CoapPdu::parse(bytes);
  }
  [[nodiscard]] CoapPdu ask(const CoapPdu& pdu) const {
    send(pdu.bytes());
    return receive();
  }
  void close() const { SSL_shutdown(ssl_); }
  [[nodiscard]] std::size_t chain_length() const {
    return static_cast<std::size_t>(sk_X509_num(SSL_get_peer_cert_chain(ssl_)));
  }

 private:
  static unsigned tell_key(SSL* ssl, const char*, char* identity, unsigned most, unsigned char* key, unsigned) {
    const auto& self = *static_cast<DtlsClient*>(SSL_get_app_data(ssl));
    std::snprintf(identity, most, "%s", self.options_.identity.c_str());
    std::memcpy(key, self.options_.key.data(), self.options_.key.size());
    return static_cast<unsigned>(self.options_.key.size());
  }
  static void watch(int is_write, int, int type, const void* bytes, std::size_t size, SSL*, void* self) {
    const bool is_cookie = is_write == 0 && type == SSL3_RT_HANDSHAKE && size > 0 &&
                           *static_cast<const unsigned char*>(bytes) == DTLS1_MT_HELLO_VERIFY_REQUEST;
    if (is_cookie) static_cast<DtlsClient*>(self)->had_cookie_ = true;
  }
  const DtlsOptions options_;
  CoapClient socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool had_cookie_ = false;
};

struct DtlsHouse : CoapHouse {
  DtlsHouse() {
    options.secure = true;
    handler->key = [](std::string_view identity) {
      if (identity == "dev-1") return std::string("0123456789abcdef");
      if (identity == "huge") return std::string(300, 'k');
      return std::string();
    };
    handler->take = [this](const CoapRequest& r, const CoapRespond& respond) {
      seen = fmt::format("id=\"{}\" subject=\"{}\"", r.proven_id, r.tls_subject);
      respond({.code = 205, .payload = "ok"});
    };
  }
  bool counts(std::uint64_t good, std::uint64_t bad) {
    return comes_true([&] { return counters().dtls_handshakes == good && counters().dtls_failures == bad; });
  }
  Shared<std::string> seen;
};

const DtlsOptions kDevice{.identity = "dev-1", .key = "0123456789abcdef"};

TEST_SUITE("network.coap_dtls") {
  TEST_CASE("a body is sent in blocks of 1024 bytes, with the longest token and ETag [RFC 7959 2.4]") {
    DtlsHouse house;
    house.handler->take = [](const CoapRequest&, const CoapRespond& respond) {
      respond({.body = std::make_shared<MadeBody>(5000, "12345678")});
    };
    house.start();
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    std::string got;
    for (unsigned number = 0; number < 5; ++number) {
      CoapPdu request = coap_get("file", number + 1).with(kBlock2, coap_block(number, false, 6));
      request.token = "12345678";
      const CoapPdu answer = client.ask(request);
      CHECK(answer.code == 205);
      CHECK(answer.option(kEtag) == "12345678");
      CHECK(answer.option(kBlock2) == coap_block(number, number < 4, 6));
      got += answer.payload;
    }
    CHECK(got == bytes_of(0, 5000));
  }

  TEST_CASE("a shared key proves the identity; the handshake begins with a cookie [RFC 6347 4.2.1]") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    CHECK(client.had_cookie());
    CHECK(client.ask(coap_post("a", "x")).payload == "ok");
    CHECK(house.seen.get() == "id=\"dev-1\" subject=\"\"");
    CHECK(house.counts(1, 0));
    CHECK(house.counters().sessions == 1);
    client.close();
    CHECK(comes_true([&] { return house.counters().sessions == 0; }));
  }

  TEST_CASE("the ciphers that CoAP devices have [RFC 7252 9.1.3]") {
    const cert::Entry ca = make_ca();
    DtlsHouse house;
    house.options.bundle = bundle({make_leaf(ca, {.cn = "gw"})});
    house.start();
    for (const char* cipher : {"PSK-AES128-CCM8", "PSK-AES128-GCM-SHA256", "PSK-AES256-CCM8", "PSK-AES128-CCM",
                               "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM8",
                               "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
      const std::string name = cipher;
      CAPTURE(name);
      DtlsOptions options = kDevice;
      options.ciphers = name + ":@SECLEVEL=0";
      DtlsClient client(house.port(), options);
      CHECK(client.connect());
      CHECK(client.cipher() == name);
      CHECK(client.ask(coap_post("a", std::string(1024, 'x'))).payload == "ok");
    }
    for (const char* cipher : {"PSK-NULL-SHA256", "ADH-AES128-GCM-SHA256", "AES128-GCM-SHA256",
                               "ECDHE-ECDSA-AES128-SHA", "PSK-AES128-CBC-SHA"}) {
      const std::string name = cipher;
      CAPTURE(name);
      DtlsOptions options = kDevice;
      options.ciphers = name + ":@SECLEVEL=0";
      DtlsClient client(house.port(), options);
      CHECK_FALSE(client.connect());
    }
    CHECK(house.counts(8, 5));
  }

  TEST_CASE("an unknown identity, a wrong key, and a key that libcoap would cut are refused") {
    DtlsHouse house;
    house.start();
    std::uint64_t failed = 0;
    for (const DtlsOptions& row : {DtlsOptions{.identity = "dev-2", .key = "0123456789abcdef"},
                                   DtlsOptions{.identity = "", .key = "0123456789abcdef"},
                                   DtlsOptions{.identity = "huge", .key = std::string(256, 'k')}}) {
      CAPTURE(row.identity);
      DtlsClient client(house.port(), row);
      CHECK_FALSE(client.connect());
      CHECK(house.counts(0, ++failed));
    }
    // With a wrong key what the client says is noise to the server, which waits for better (RFC 6347 §4.1.2.7).
    DtlsClient wrong(house.port(), {.identity = "dev-1", .key = "0123456789abcdeF", .patience = 1});
    CHECK_FALSE(wrong.connect());
    CHECK(house.handler->log().empty());
    DtlsClient client(house.port(), kDevice);
    CHECK(client.connect());
  }

  TEST_CASE("with shared keys only, a client without one gets nowhere") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port(), {});
    CHECK_FALSE(client.connect());
    CHECK(house.counts(0, 1));
  }

  TEST_CASE("a certificate: sent with its chain, clients are not asked for theirs") {
    const cert::Entry root = make_ca("Root");
    const cert::Entry middle = sign({.cn = "Middle"}, &root, true);
    cert::Entry leaf = make_leaf(middle, {.cn = "gw"});
    leaf.chain.push_back(middle.chain.front());
    const cert::Entry stranger = make_leaf(make_ca("Other"), {.cn = "dev"});
    DtlsHouse house;
    house.options.bundle = bundle({leaf});
    house.start();
    DtlsClient client(house.port(), {.own = &stranger, .trust = {&root}});
    REQUIRE(client.connect());
    CHECK(client.chain_length() == 2);
    CHECK(client.ask(coap_post("a", "x")).payload == "ok");
    CHECK(house.seen.get() == "id=\"\" subject=\"\"");
    // The same component takes shared keys too.
    DtlsClient device(house.port(), kDevice);
    REQUIRE(device.connect());
    CHECK(device.ask(coap_post("a", "x")).payload == "ok");
    CHECK(house.seen.get() == "id=\"dev-1\" subject=\"\"");
  }

  TEST_CASE("client certificates must lead to what is trusted, when they are asked for") {
    const cert::Entry ca = make_ca("Devices"), other = make_ca("Devices");
    const cert::Entry good = make_leaf(ca, {.cn = "dev-7"}), bad = make_leaf(other, {.cn = "dev-7"});
    const cert::Entry expired = make_leaf(ca, {.cn = "dev-8", .from = -7200, .until = -3600});
    DtlsHouse house;
    house.options.bundle = bundle({make_leaf(ca, {.cn = "gw"})}, {ca});
    house.options.mutual = true;
    house.start();
    DtlsClient client(house.port(), {.own = &good, .trust = {&ca}});
    REQUIRE(client.connect());
    CHECK(client.ask(coap_post("a", "x")).payload == "ok");
    CHECK(house.seen.get() == "id=\"\" subject=\"CN=dev-7\"");
    std::uint64_t failed = 0;
    for (const cert::Entry* own : {&bad, &expired, static_cast<const cert::Entry*>(nullptr)}) {
      DtlsClient refused(house.port(), {.own = own});
      CHECK_FALSE(refused.connect());
      CHECK(house.counts(1, ++failed));
    }
    SUBCASE("a client that offers shared keys as well does not get past that") {
      // libcoap 4.3.1 would not ask it for a certificate.
      DtlsOptions both{
          .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:PSK-AES128-CCM8:@SECLEVEL=0", .identity = "nobody", .key = "guess"};
      DtlsClient sly(house.port(), both);
      CHECK_FALSE(sly.connect());
    }
  }

  TEST_CASE("a renewed certificate and trust are for new sessions; what was trusted before is not any more") {
    const cert::Entry old_ca = make_ca("Old"), new_ca = make_ca("New");
    const cert::Entry old_device = make_leaf(old_ca, {.cn = "dev-1"}), new_device = make_leaf(new_ca, {.cn = "dev-2"});
    DtlsHouse house;
    house.options.bundle = bundle({make_leaf(old_ca, {.cn = "gw"})}, {old_ca});
    house.options.mutual = true;
    house.start();
    DtlsClient before(house.port(), {.own = &old_device, .trust = {&old_ca}});
    REQUIRE(before.connect());
    CHECK(before.ask(coap_post("a", "x", 1)).payload == "ok");

    CoapServerOptions broken = house.options;
    broken.bundle = bundle({}, {new_ca});
    CHECK_FALSE(house.server->update(broken).has_value());
    DtlsClient still(house.port(), {.own = &old_device, .trust = {&old_ca}});
    CHECK(still.connect());

    CoapServerOptions renewed = house.options;
    renewed.bundle = bundle({make_leaf(new_ca, {.cn = "gw"})}, {new_ca});
    REQUIRE(house.server->update(renewed).has_value());
    settle(house.thread());
    DtlsClient after(house.port(), {.own = &new_device, .trust = {&new_ca}});
    CHECK(after.connect());
    DtlsClient late(house.port(), {.own = &old_device, .trust = {&new_ca}});
    CHECK_FALSE(late.connect());
    CHECK(before.ask(coap_post("a", "x", 2)).payload == "ok");
  }

  TEST_CASE("observations work in a session and end with it") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    CHECK(client.ask(coap_get("a", 1).with(kObserve, "")).option(kObserve).has_value());
    settle(house.thread());
    REQUIRE(house.handler->observers() == std::vector<ObserverId>{1});
    CHECK(house.notify(1, "news"));
    const CoapPdu news = client.receive();
    CHECK(news.payload == "news");
    client.send(CoapPdu{.type = kAck, .id = news.id}.bytes());
    client.close();
    CHECK(comes_true([&] { return house.handler->last() == "end 1"; }));
    CHECK(comes_true([&] { return house.counters().sessions == 0 && house.counters().observers == 0; }));
    CHECK_FALSE(house.notify(1, "gone"));
  }

  TEST_CASE("an answer that comes after the session's end is dropped") {
    DtlsHouse house;
    CoapRespond kept;
    house.handler->take = [&](const CoapRequest&, CoapRespond respond) { kept = std::move(respond); };
    house.start();
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    client.send(coap_post("a", "x").bytes());
    REQUIRE(comes_true([&] { return house.handler->count() == 1; }));
    client.close();
    REQUIRE(comes_true([&] { return house.counters().sessions == 0; }));
    run_on(house.thread(), [&] { kept({.code = 204, .payload = {}}); });
  }

  TEST_CASE("renegotiation and resumption are refused") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    CHECK(SSL_get_secure_renegotiation_support(client.ssl()) == 1);
    CHECK(SSL_SESSION_has_ticket(SSL_get_session(client.ssl())) == 0);
    CHECK(client.ask(coap_post("a", "x")).payload == "ok");
    SSL_renegotiate(client.ssl());
    SSL_do_handshake(client.ssl());
    ERR_clear_error();
    CHECK(house.counters().dtls_handshakes == 1);
  }

  TEST_CASE("signalling that ends the session from within it does no harm [RFC 8323 5.6 is not for UDP]") {
    DtlsHouse house;
    house.start();
    for (int i = 0; i < 3; ++i) {
      DtlsClient client(house.port(), kDevice);
      REQUIRE(client.connect());
      CHECK(client.ask(coap_post("a", "x")).payload == "ok");
      client.send(std::string("\x40\xE5\x00\x01", 4));
      REQUIRE(comes_true([&] { return house.counters().sessions == 0; }));
    }
    DtlsClient client(house.port(), kDevice);
    CHECK(client.connect());
  }

  TEST_CASE("plain CoAP and noise at a DTLS port are ignored") {
    DtlsHouse house;
    house.start();
    CoapClient plain(house.port());
    plain.send(coap_post("a", "x"));
    plain.send(std::string(1400, '\x16'));
    plain.send(std::string("\x16\xFE\xFD\0\0\0\0\0\0\0\0\0\x01\x01", 14));
    DtlsClient client(house.port(), kDevice);
    REQUIRE(client.connect());
    CHECK(client.ask(coap_post("a", "x")).payload == "ok");
    CHECK(house.handler->count() == 1);
  }
}

}  // namespace
}  // namespace jl::network
