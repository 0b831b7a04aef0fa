#include "common/cert/check.hpp"
#include "tests/unit/common/cert/material.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

using namespace jl;
using namespace jl::cert;
using namespace jl::cert::test;

namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string traditional(EVP_PKEY* key, const EVP_CIPHER* cipher, std::string password) {
  auto* bio = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_PrivateKey_traditional(bio, key, cipher, nullptr, 0, nullptr,
                                               cipher != nullptr ? password.data() : nullptr) == 1);
  return text_of(bio);
}

std::string encrypted_pkcs8(EVP_PKEY* key, std::string password) {
  auto* bio = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), password.data(), static_cast<int>(password.size()),
                                        nullptr, nullptr) == 1);
  return text_of(bio);
}

std::string base64_of(const std::string& bytes) {
  std::string text(bytes.size() / 3 * 4 + 8, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Made with openssl pkcs8 -v2 des.
std::string des_pkcs8() {
  return "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
         "MIHfMEoGCSqGSIb3DQEFDTA9MCgGCSqGSIb3DQEFDDAbBAhitd88w5FlvwIBZDAM\n"
         "BggqhkiG9w0CCQUAMBEGBSsOAwIHBAhLuSKkfV4cPgSBkE33ItjZ2vVA9eubRZH1\n"
         "fwLJ80BmLneXMcpFNvqSi/527dexjwosYIZ0nQdVa9hyxV/Ob5SiFzWHNVvHZ+8m\n"
         "AkfFEWBfF0jALmJZAGFkW0H/p7v+0ig22xBl6mTOJ4vyEDOu6UmHhsLLwzEJrYl7\n"
         "cYSHsERPj43rEZjOUsgyXwIInFz4gurM79ZQb6azRRbfQQ==\n"
         "-----END ENCRYPTED PRIVATE KEY-----\n";
}

Generated made_with(KeyType type) {
  auto request = request_for("gateway.example");
  request.key_type = type;
  return make(request);
}

bool works(const Source& source) { return check(bundle_of(source), Mode::server, false, kNow).errors.empty(); }

Error error_of(const Source& source) {
  const auto bundle = read(source);
  REQUIRE_FALSE(bundle.has_value());
  CHECK(ERR_peek_error() == 0);
  CHECK(bundle.error().message.find("error:") == std::string::npos);
  return bundle.error();
}

}  // namespace

TEST_SUITE("common.cert.read") {
  TEST_CASE("a key is read as PKCS#8, PKCS#1 and SEC1, in the clear [network.md 5.3]") {
    for (const auto type : {KeyType::rsa_2048, KeyType::ec_p256, KeyType::ec_p384, KeyType::ed25519}) {
      const auto made = made_with(type);
      auto source = source_of(made);
      CHECK(works(source));
      if (type == KeyType::ed25519) continue;
      const auto entry = entry_of(made);
      const auto old = traditional(entry.key.get(), nullptr, "");
      source.key = old;
      CHECK(works(source));
      const auto with_parameters =
          "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + old;
      source.key = with_parameters;
      CHECK(works(source));
    }
  }

  TEST_CASE("an encrypted key needs its passphrase: missing and wrong are two errors") {
    const auto made = made_with(KeyType::ec_p256);
    const auto entry = entry_of(made);
    for (const auto& text : {encrypted_pkcs8(entry.key.get(), "open sesame"),
                             traditional(entry.key.get(), EVP_aes_128_cbc(), "open sesame"),
                             traditional(entry.key.get(), EVP_des_ede3_cbc(), "open sesame")}) {
      CAPTURE(text);
      auto source = source_of(made);
      source.key = text;
      const auto missing = error_of(source);
      CHECK(missing.field == "key");
      CHECK(missing.code == Errc::invalid);
      CHECK(missing.message == "the private key is encrypted and no passphrase was given");
      source.key_password = Secret(std::string("open sesam"));
      const auto wrong = error_of(source);
      CHECK(wrong.field == "key");
      CHECK(wrong.message == "the private key cannot be decrypted: the passphrase is wrong, or the file is damaged");
      source.key_password = Secret(std::string(5000, 'x'));
      CHECK(error_of(source).message == wrong.message);
      source.key_password = Secret(std::string("open sesame"));
      CHECK(works(source));
    }
  }

  TEST_CASE("no wrong passphrase opens a key, whatever padding it happens to leave") {
    const auto made = made_with(KeyType::ec_p256);
    const auto text = traditional(entry_of(made).key.get(), EVP_aes_128_cbc(), "right");
    auto source = source_of(made);
    source.key = text;
    for (int i = 0; i < 1000; ++i) {
      source.key_password = Secret(std::to_string(i));
      CHECK(error_of(source).code == Errc::invalid);
    }
  }

  TEST_CASE("base64 of a PEM file, or of a DER certificate, stands for it [network.md 5.2]") {
    const auto made = made_with(KeyType::ec_p256);
    auto source = source_of(made);
    const auto key = base64_of(made.key_pem.reveal());
    const auto cert = base64_of(made.cert_pem);
    source.key = key;
    source.cert = cert;
    CHECK(works(source));
    unsigned char* out = nullptr;
    const int size = i2d_X509(entry_of(made).chain[0].get(), &out);
    const std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    const auto der_text = base64_of(der);
    source.cert = der_text;
    CHECK(works(source));
    CHECK(read_file(der, Secret()).value().entries.at(0).chain.size() == 1);
    source.cert = "!!!";
    CHECK(error_of(source).field == "cert");
  }

  TEST_CASE("an empty cert takes the certificates of the key's file; other blocks do not matter") {
    const auto root = entry_of(make(ca_request("Root")));
    const auto made = make(request_for("gateway.example"), &root);
    const auto both =
        "subject=x\n" + made.cert_pem + "-----BEGIN X-----\nAAAA\n-----END X-----\n" + made.key_pem.reveal();
    Source source;
    source.key = both;
    CHECK(works(source));
    CHECK(bundle_of(source).entries.at(0).chain.size() == 2);
    source.trust = made.cert_pem;
    CHECK(bundle_of(source).trust.size() == 2);
  }

  TEST_CASE("text as people paste it is read: byte order mark, CRLF, indentation, one long line") {
    const auto made = made_with(KeyType::ec_p256);
    std::string crlf = "\xEF\xBB\xBF", indented, one_line;
    for (const char c : made.cert_pem) {
      crlf += c == '\n' ? "\r\n" : std::string(1, c);
      indented += c == '\n' ? "\n    " : std::string(1, c);
      one_line += c == '\n' ? ' ' : c;
    }
    for (const auto& text : {crlf, indented, one_line}) {
      CAPTURE(text);
      auto source = source_of(made);
      source.cert = text;
      CHECK(works(source));
    }
  }

  TEST_CASE("a private key among the certificates is refused, since only the key is kept secret") {
    const auto made = made_with(KeyType::ec_p256);
    auto source = source_of(made);
    const auto both = made.cert_pem + made.key_pem.reveal();
    source.cert = both;
    CHECK(error_of(source).field == "cert");
    source = source_of(made);
    source.trust = both;
    CHECK(error_of(source).field == "trust");
  }

  TEST_CASE("what is not there or damaged is told with its field and what was found instead") {
    const auto made = made_with(KeyType::ec_p256);
    const std::string request = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
    const std::string ssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    const std::string cut = made.cert_pem.substr(0, made.cert_pem.size() / 2);
    const std::string damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const std::string bad_base64 = "-----BEGIN CERTIFICATE-----\nM*A=\n-----END CERTIFICATE-----\n";
    const std::string bad_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    auto source = source_of(made);
    source.cert = request;
    CHECK(error_of(source).message == "holds no certificate; found: \"CERTIFICATE REQUEST\"");
    for (const auto& text : {request, cut, damaged, bad_base64, std::string("- nothing")}) {
      CAPTURE(text);
      source = source_of(made);
      source.cert = text;
      CHECK(error_of(source).field == "cert");
      CHECK(error_of(source).code == Errc::invalid);
    }
    source = source_of(made);
    source.key = made.cert_pem;
    CHECK(error_of(source).message == "holds no private key; found: \"CERTIFICATE\"");
    source.key = bad_key;
    CHECK(error_of(source).field == "key");
    source.key = ssh;
    CHECK(error_of(source).code == Errc::unsupported);
    CHECK(error_of(source).hint.find("ssh-keygen") != std::string::npos);
    CHECK_FALSE(read_file("", Secret()).has_value());
    CHECK_FALSE(read_file("hello", Secret()).has_value());
    CHECK_FALSE(read_file("\x30\x03\x02\x01\x01", Secret()).has_value());
  }

  TEST_CASE("encryption that is no longer supported is told with the command that converts it") {
    // PBES2 and RFC 1421, both with single DES.
    const auto made = made_with(KeyType::ec_p256);
    auto source = source_of(made);
    for (const auto& text : {des_pkcs8(), std::string("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                                                      "DEK-Info: NO-SUCH-CIPHER,0011223344556677\n\nAAAAAAAAAAA=\n"
                                                      "-----END EC PRIVATE KEY-----\n")}) {
      CAPTURE(text);
      source.key = text;
      source.key_password = Secret(std::string("x"));
      CHECK(error_of(source).code == Errc::unsupported);
      CHECK(error_of(source).hint.find("-provider legacy") != std::string::npos);
    }
  }

  TEST_CASE("certificates alone in a file are trust when all are CAs, else the chain of a missing key") {
    const auto root = make(ca_request("Root"));
    const auto both = root.cert_pem + make(ca_request("Other Root")).cert_pem;
    const auto cas = read_file(both, Secret());
    REQUIRE(cas.has_value());
    CHECK(cas->entries.empty());
    CHECK(cas->trust.size() == 2);
    const auto issuer = entry_of(root);
    const auto chain = read_file(make(request_for("gateway.example"), &issuer).cert_pem, Secret());
    REQUIRE(chain.has_value());
    CHECK(chain->trust.empty());
    REQUIRE(chain->entries.size() == 1);
    CHECK(chain->entries[0].key == nullptr);
    CHECK(chain->entries[0].chain.size() == 2);
  }

  TEST_CASE("OpenSSL errors of whoever calls are left alone") {
    const auto entry = entry_of(made_with(KeyType::ec_p256));
    ERR_raise(ERR_LIB_USER, 1);
    (void)subject_of(*entry.chain[0]);
    (void)describe(Bundle{Format::pem, {entry}, {}});
    CHECK(ERR_GET_LIB(ERR_get_error()) == ERR_LIB_USER);
    CHECK(ERR_get_error() == 0);
  }

  TEST_CASE("no amount of certificates or bytes is too much to be refused") {
    const auto made = made_with(KeyType::ec_p256);
    std::string many;
    for (std::size_t i = 0; i < kMaxCertificates; ++i) many += made.cert_pem;
    auto source = source_of(made);
    source.trust = many;
    CHECK(bundle_of(source).trust.size() == kMaxCertificates);
    many += made.cert_pem;
    source.trust = many;
    CHECK(error_of(source).code == Errc::too_large);
    const std::string huge(2 * kMaxBytes + 1, '-');
    source.trust = huge;
    CHECK(error_of(source).code == Errc::too_large);
    const std::string large(kMaxBytes + 1, '-');
    source.trust = large;
    CHECK(error_of(source).code == Errc::too_large);
    CHECK(read_file(large, Secret()).error().code == Errc::too_large);
    const std::string base64(kMaxBytes / 3 * 4 + 8, 'A');
    source.trust = base64;
    CHECK(error_of(source).code == Errc::too_large);
  }

  TEST_CASE("cut after any byte, a PEM file is whole or an error") {
    const auto made = made_with(KeyType::ec_p256);
    const auto text = made.key_pem.reveal() + made.cert_pem;
    for (std::size_t size = 0; size < text.size(); ++size) {
      Source source;
      const auto cut = text.substr(0, size);
      source.key = cut;
      (void)read(source);
      (void)read_file(cut, Secret());
    }
    CHECK(read_file(text, Secret()).has_value());
  }

  TEST_CASE("base64 is decoded with white space, with and without padding, and refused when it is cut") {
    CHECK(decode_base64("").value() == "");
    CHECK(decode_base64(" aGVs\r\n bG8=\n").value() == "hello");
    CHECK(decode_base64("aGVsbG8").value() == "hello");
    CHECK(decode_base64("/+8=").value() == "\xff\xef");
    for (const std::string bad : {"a", "aGVsb", "aG-_", "=", "aGVsbG8==", "aGV=sbG8", "a===", "aGVs===", "\xff"}) {
      CAPTURE(bad);
      CHECK_FALSE(decode_base64(bad).has_value());
    }
    CHECK(decode_base64(std::string(kMaxBytes / 3 * 4 + 8, 'A')).error().code == Errc::too_large);
  }

  TEST_CASE("nothing given is an empty bundle") {
    const auto bundle = bundle_of(Source{});
    CHECK(bundle.entries.empty());
    CHECK(bundle.trust.empty());
    CHECK(to_string(Format::pem) == "PEM");
    CHECK(to_string(Format::pfx) == "PFX");
    CHECK(to_string(Format::jks) == "JKS");
  }
}
