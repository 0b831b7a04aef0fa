#include "common/cert/check.hpp"
#include "tests/unit/common/cert/material.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <algorithm>
#include <boost/json.hpp>

using namespace jl;
using namespace jl::cert;
using namespace jl::cert::test;

namespace {

constexpr Millis kStoreNow = 1'830'000'000'000;  // 2027-12-28: after the stores were made

Source store_source(Format format, std::string_view bytes, const std::string& password) {
  Source source;
  source.format = format;
  source.keystore = bytes;
  source.keystore_password = Secret(password);
  return source;
}

Error error_of(const Source& source) {
  const auto bundle = read(source);
  REQUIRE_FALSE(bundle.has_value());
  CHECK(bundle.error().message.find("error:") == std::string::npos);  // OpenSSL's own words
  return bundle.error();
}

std::vector<std::string> subjects(const std::vector<Certificate>& chain) {
  std::vector<std::string> names;
  for (const auto& certificate : chain) names.push_back(subject_of(*certificate));
  return names;
}

using Bytes = std::string;
Bytes big_endian(std::uint64_t value, int size) {
  Bytes bytes;
  for (int i = size - 1; i >= 0; --i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFFu));
  return bytes;
}

// Ends the content of a JKS store with its digest.
Bytes sealed_jks(Bytes content, const std::u16string& password) {
  Bytes hashed;
  for (const char16_t unit : password) hashed += big_endian(unit, 2);
  hashed += "Mighty Aphrodite" + content;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  REQUIRE(EVP_Digest(hashed.data(), hashed.size(), digest, &size, EVP_sha1(), nullptr) == 1);
  return content + Bytes(reinterpret_cast<char*>(digest), size);
}
Bytes jks_head(std::uint32_t count, std::uint32_t version = 2) {
  return big_endian(0xFEEDFEED, 4) + big_endian(version, 4) + big_endian(count, 4);
}
Bytes der_of(X509* certificate) {
  unsigned char* out = nullptr;
  const int size = i2d_X509(certificate, &out);
  REQUIRE(size > 0);
  Bytes der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}
Bytes trusted_entry(const Bytes& der, std::uint32_t version = 2) {
  return big_endian(2, 4) + big_endian(2, 2) + "ca" + big_endian(0, 8) +
         (version == 2 ? big_endian(5, 2) + "X.509" : Bytes()) + big_endian(der.size(), 4) + der;
}

}  // namespace

TEST_SUITE("common.cert.store") {
  TEST_CASE("JKS, PKCS#12 and the RC2 stores of old Java give the same keys, certificates and aliases") {
    struct Row {
      const char* file;
      Format format;
    };
    for (const auto& row : {Row{"two.jks", Format::jks}, Row{"two_pkcs12.jks", Format::jks},
                            Row{"two_pkcs12.jks", Format::pfx}, Row{"legacy.p12", Format::pfx}}) {
      CAPTURE(row.file);
      const auto bytes = data_file(row.file);
      const auto bundle = bundle_of(store_source(row.format, bytes, "changeit"));
      CHECK(bundle.format == row.format);
      CHECK(bundle.trust.empty());
      REQUIRE(bundle.entries.size() == 2);
      const auto gateway = pick(bundle, "GATEWAY");
      REQUIRE(gateway.has_value());
      CHECK((*gateway)->alias == "gateway");
      CHECK(subjects((*gateway)->chain) ==
            std::vector<std::string>{"CN=gateway.example,O=Tests", "CN=Test Root,O=Tests"});
      const auto plc = pick(bundle, "plc");
      REQUIRE(plc.has_value());
      CHECK(subjects((*plc)->chain) == std::vector<std::string>{"CN=plc.example"});
      const auto found = check(bundle, Mode::server, false, kStoreNow);
      CHECK(found.errors.empty());
      CHECK(found.warnings.empty());
    }
  }

  TEST_CASE("a store of certificates is trust, and no key store") {
    for (const auto* file : {"trust.jks", "trust.p12"}) {
      CAPTURE(file);
      const auto bytes = data_file(file);
      Source source;
      source.format = Format::jks;
      source.trust_keystore = bytes;
      source.trust_keystore_password = Secret(std::string("changeit"));
      CHECK(subjects(bundle_of(source).trust) == std::vector<std::string>{"CN=Test Root,O=Tests"});
      source.keystore = bytes;
      source.keystore_password = Secret(std::string("changeit"));
      CHECK(error_of(source).field == "keystore");
      CHECK(error_of(source).code == Errc::invalid);
      source.keystore = {};
      source.trust_keystore_password = Secret(std::string("wrong"));
      CHECK(error_of(source).field == "trustKeyStore");
      const auto file_bundle = read_file(bytes, Secret(std::string("changeit")));
      REQUIRE(file_bundle.has_value());
      CHECK(file_bundle->entries.empty());
      CHECK(file_bundle->trust.size() == 1);
    }
  }

  TEST_CASE("in a trust store the issuers in an entry's chain are trusted, its own certificate is not") {
    const auto bytes = data_file("keypass.jks");
    Source source;
    source.format = Format::jks;
    source.trust_keystore = bytes;
    source.trust_keystore_password = Secret(std::string("changeit"));
    CHECK(error_of(source).field == "trustKeyStore");  // its key has another password
    const auto two = data_file("two_pkcs12.jks");
    source.trust_keystore = two;
    const auto trust = subjects(bundle_of(source).trust);
    CHECK(std::count(trust.begin(), trust.end(), "CN=Test Root,O=Tests") >= 1);
    CHECK(std::count(trust.begin(), trust.end(), "CN=gateway.example,O=Tests") == 0);
  }

  TEST_CASE("a missing and a wrong password are two errors, told of the field keystore") {
    for (const auto* file : {"two.jks", "two_pkcs12.jks", "legacy.p12"}) {
      CAPTURE(file);
      const auto bytes = data_file(file);
      const auto missing = error_of(store_source(Format::pfx, bytes, ""));
      const auto wrong = error_of(store_source(Format::pfx, bytes, "changeIt"));
      CHECK(missing.field == "keystore");
      CHECK(missing.code == Errc::invalid);
      CHECK(missing.message == "the key store has a password and none was given");
      CHECK(wrong.field == "keystore");
      CHECK(wrong.message == "the password of the key store is wrong, or the file is damaged");
    }
  }

  TEST_CASE("a key may have another password than its store") {
    const auto bytes = data_file("keypass.jks");
    auto source = store_source(Format::jks, bytes, "changeit");
    CHECK(error_of(source).hint == "a key may have another password than its store");
    source.key_password = Secret(std::string("otherpass"));
    CHECK(bundle_of(source).entries.at(0).alias == "gateway");
  }

  TEST_CASE("JCEKS is refused with the command that converts it") {
    const auto bytes = data_file("gw.jceks");
    const auto error = error_of(store_source(Format::jks, bytes, "changeit"));
    CHECK(error.code == Errc::unsupported);
    CHECK(error.field == "keystore");
    CHECK(error.hint.find("keytool -importkeystore") != std::string::npos);
  }

  TEST_CASE("an alias chooses among several keys, ignoring case [network.md 5.4]") {
    const auto bytes = data_file("two.jks");
    const auto bundle = bundle_of(store_source(Format::jks, bytes, "changeit"));
    const auto none = pick(bundle, "");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().field == "privateKeyAlias");
    CHECK(none.error().hint == "its aliases: \"gateway\", \"plc\"");
    CHECK_FALSE(pick(bundle, "nosuch").has_value());
    CHECK(pick(bundle, "Plc").has_value());
    Bundle one;
    one.format = Format::pfx;
    one.entries.push_back(bundle.entries[1]);
    CHECK(pick(one, "").value() == &one.entries[0]);
    CHECK_FALSE(pick(one, "gateway").has_value());
    one.format = Format::pem;
    CHECK(pick(one, "anything").value() == &one.entries[0]);
    CHECK_FALSE(pick(Bundle{}, "").has_value());
  }

  TEST_CASE("a JKS store that is cut anywhere, or changed anywhere, is an error and nothing worse") {
    const auto whole = data_file("two.jks");
    const Secret password(std::string("changeit"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto cut = whole.substr(0, size);
      CHECK_FALSE(read_file(cut, password).has_value());
      // Without a password nothing is verified, so the reader itself sees it.
      if (size > 12) CHECK_FALSE(read_file(cut, Secret()).has_value());
    }
    const auto trust = data_file("trust.jks");
    for (std::size_t at = 4; at < trust.size(); ++at) {
      auto changed = trust;
      changed[at] = static_cast<char>(~changed[at]);
      CHECK_FALSE(read_file(changed, password).has_value());
      (void)read_file(changed, Secret());
    }
    CHECK(read_file(trust, Secret()).has_value());
  }

  TEST_CASE("a JKS store with impossible lengths and counts is refused before anything is allocated") {
    const std::u16string password = u"p";
    const Secret given(std::string("p"));
    const auto refused = [&](const Bytes& content) {
      const auto result = read_file(sealed_jks(content, password), given);
      return !result && result.error().code != Errc::failed;
    };
    CHECK(read_file(sealed_jks(jks_head(0), password), given).has_value());
    CHECK(refused(jks_head(1)));
    CHECK(refused(jks_head(0xFFFFFFFF)));
    CHECK(refused(jks_head(0, 3)));
    CHECK(refused(jks_head(0) + "x"));
    CHECK(refused(jks_head(1) + big_endian(3, 4) + big_endian(0, 2) + big_endian(0, 8)));
    CHECK(refused(jks_head(1) + big_endian(1, 4) + big_endian(0xFFFF, 2)));
    const auto key_head = big_endian(1, 4) + big_endian(1, 2) + "a" + big_endian(0, 8);
    CHECK(refused(jks_head(1) + key_head + big_endian(0xFFFFFFFF, 4)));
    CHECK(refused(jks_head(1) + key_head + big_endian(0, 4) + big_endian(0xFFFFFFFF, 4)));
    CHECK(refused(jks_head(1) + key_head + big_endian(0, 4) + big_endian(0, 4)));
    CHECK(refused(jks_head(1) + big_endian(2, 4) + big_endian(0, 2) + big_endian(0, 8) + big_endian(5, 2) + "X.509" +
                  big_endian(0xFFFFFFFF, 4)));
  }

  TEST_CASE("JKS version 1, a password beyond ASCII, and the most certificates") {
    const auto ca = entry_of(make(ca_request("CA")));
    const auto der = der_of(ca.chain[0].get());
    const Secret password(std::string("schl\u00fcssel\U0001F511"));
    const std::u16string units = u"schl\u00fcssel\U0001F511";
    const auto old = read_file(sealed_jks(jks_head(1, 1) + trusted_entry(der, 1), units), password);
    REQUIRE(old.has_value());
    CHECK(old->trust.size() == 1);
    Bytes many;
    for (std::size_t i = 0; i < kMaxCertificates; ++i) many += trusted_entry(der);
    const auto full = read_file(sealed_jks(jks_head(kMaxCertificates) + many, units), password);
    REQUIRE(full.has_value());
    CHECK(full->trust.size() == kMaxCertificates);
    const auto over =
        read_file(sealed_jks(jks_head(kMaxCertificates + 1) + many + trusted_entry(der), units), password);
    REQUIRE_FALSE(over.has_value());
    CHECK(over.error().code == Errc::too_large);
  }

  TEST_CASE("a PKCS#12 of OpenSSL works: with a name and without, with an empty password and with none") {
    const auto root = entry_of(make(ca_request("Root")));
    const auto leaf = entry_of(make(request_for("leaf.example"), &root));
    const auto store = [&](const char* name, const char* password, int iterations, int mac) {
      STACK_OF(X509)* others = sk_X509_new_null();
      sk_X509_push(others, leaf.chain[1].get());
      auto* made = PKCS12_create(password, name, leaf.key.get(), leaf.chain[0].get(), others, 0, 0, iterations, mac, 0);
      sk_X509_free(others);
      REQUIRE(made != nullptr);
      unsigned char* out = nullptr;
      const int size = i2d_PKCS12(made, &out);
      Bytes bytes(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
      OPENSSL_free(out);
      PKCS12_free(made);
      return bytes;
    };
    struct Row {
      const char* name;
      const char* password;
      int mac;
    };
    for (const auto& row : {Row{"Näme", "pass", 2048}, Row{nullptr, "pass", 0}, Row{nullptr, "", 2048},
                            Row{nullptr, nullptr, 2048}, Row{nullptr, nullptr, -1}}) {
      const auto bytes = store(row.name, row.password, 2048, row.mac);
      const std::string password = row.password != nullptr ? row.password : "";
      const auto bundle = bundle_of(store_source(Format::pfx, bytes, password));
      REQUIRE(bundle.entries.size() == 1);
      CHECK(bundle.entries[0].alias == (row.name != nullptr ? row.name : ""));
      CHECK(subjects(bundle.entries[0].chain) == std::vector<std::string>{"CN=leaf.example", "CN=Root"});
      CHECK(check(bundle, Mode::server, false, kNow).errors.empty());
    }
    // A hostile one asks for years of work.
    auto bytes = store("a", "pass", 77'777, 2048);
    const auto rounds = big_endian(77'777, 3);
    std::size_t changed = 0;
    for (auto at = bytes.find(rounds); at != Bytes::npos; at = bytes.find(rounds, at + 3), ++changed) {
      bytes.replace(at, 3, big_endian(0x7FFFFF, 3));
    }
    REQUIRE(changed == 2);
    auto source = store_source(Format::pfx, bytes, "pass");
    CHECK_FALSE(read(source).has_value());
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
      const auto cut = bytes.substr(0, size);
      CHECK_FALSE(read_file(cut, Secret(std::string("pass"))).has_value());
    }
  }
}
