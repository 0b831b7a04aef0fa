#include "common/cert/check.hpp"

#include "tests/unit/common/cert/material.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <boost/json.hpp>

using namespace jl;
using namespace jl::cert;
using namespace jl::cert::test;

namespace {

Entry leaf_entry(const Entry* issuer = nullptr) { return entry_of(make(request_for("gateway.example"), issuer)); }
Entry ca_entry(const std::string& name, const Entry* issuer = nullptr) {
  return entry_of(make(ca_request(name), issuer));
}
Bundle bundle_with(Entry entry, std::vector<Certificate> trust = {}, Format format = Format::pem) {
  return Bundle{format, {std::move(entry)}, std::move(trust)};
}

using Fields = std::vector<std::string>;
Fields fields(const Findings& found) {
  Fields list;
  for (const auto& problem : found.errors) {
    CHECK(problem.code == Errc::invalid);
    list.push_back(problem.field);
  }
  return list;
}
Findings server(const Bundle& bundle, bool mutual = false, Millis now = kNow) {
  return check(bundle, Mode::server, mutual, now);
}
Findings client(const Bundle& bundle, bool mutual = false) { return check(bundle, Mode::client, mutual, kNow); }

// Self-signed, with what generate() would refuse.
Entry weak_entry(EVP_PKEY* key, const EVP_MD* digest, const X509* issuer = nullptr, EVP_PKEY* signer = nullptr) {
  Certificate made(X509_new(), X509_free);
  auto* name = X509_get_subject_name(made.get());
  REQUIRE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("weak"), -1, -1,
                                     0) == 1);
  X509_set_version(made.get(), X509_VERSION_3);
  X509_set_issuer_name(made.get(), issuer != nullptr ? X509_get_subject_name(issuer) : name);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), static_cast<time_t>(kNow / 1000) - 1);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), static_cast<time_t>((kNow + 100 * kDay) / 1000));
  X509_set_pubkey(made.get(), key);
  REQUIRE(X509_sign(made.get(), signer != nullptr ? signer : key, digest) > 0);
  return Entry{{}, Key(key, EVP_PKEY_free), {made}};
}

// As read from its bytes, since OpenSSL remembers the extensions that a certificate had.
Entry entry_again(const Entry& entry) {
  unsigned char* out = nullptr;
  const int size = i2d_X509(entry.chain[0].get(), &out);
  const auto* at = out;
  Certificate copy(d2i_X509(nullptr, &at, size), X509_free);
  OPENSSL_free(out);
  return Entry{{}, entry.key, {copy}};
}

}  // namespace

TEST_SUITE("common.cert.check") {
  TEST_CASE("each mode needs what it uses [network.md 5.5]") {
    const Bundle empty;
    CHECK(fields(server(empty)) == Fields{"key", "cert"});
    CHECK(fields(server(empty, true)) == Fields{"key", "cert", "trust"});
    CHECK(fields(client(empty)).empty());  // trusts what the system trusts
    CHECK(fields(client(empty, true)) == Fields{"key", "cert"});
    Bundle store;
    store.format = Format::jks;
    CHECK(fields(server(store, true)) == Fields{"keystore", "trustKeyStore"});
    const auto root = ca_entry("Root");
    const auto leaf = leaf_entry(&root);
    CHECK(fields(server(bundle_with(leaf, root.chain), true)).empty());
    CHECK(fields(client(bundle_with(leaf), true)).empty());
    CHECK(fields(server(bundle_with({{}, nullptr, leaf.chain}))) == Fields{"key"});
    CHECK(fields(server(bundle_with({{}, leaf.key, {}}))) == Fields{"cert"});
  }

  TEST_CASE("the key belongs to the first certificate [network.md 5.3]") {
    const auto root = ca_entry("Root");
    auto leaf = leaf_entry(&root);
    auto swapped = leaf;
    std::swap(swapped.chain[0], swapped.chain[1]);
    const auto found = server(bundle_with(swapped));
    REQUIRE_FALSE(found.errors.empty());
    CHECK(found.errors[0].field == "cert");
    CHECK(found.errors[0].message == "the key belongs to certificate 2, \"CN=gateway.example\", which must come first");
    leaf.key = leaf_entry().key;
    CHECK(fields(server(bundle_with(leaf))) == Fields{"key"});
    leaf.alias = "one";
    const auto of_store = server(bundle_with(leaf, {}, Format::pfx));
    REQUIRE(of_store.errors.size() == 1);
    CHECK(of_store.errors[0].field == "keystore");
    CHECK(of_store.errors[0].message.starts_with("key \"one\": "));
  }

  TEST_CASE("each certificate of a chain is issued and signed by the next") {
    const auto root = ca_entry("Root");
    const auto issuing = ca_entry("Issuing", &root);
    const auto leaf = leaf_entry(&issuing);
    CHECK(fields(server(bundle_with(leaf))).empty());

    auto gap = leaf;
    gap.chain.erase(gap.chain.begin() + 1);
    CHECK(fields(server(bundle_with(gap))) == Fields{"cert"});
    auto wrong_order = leaf;
    std::swap(wrong_order.chain[1], wrong_order.chain[2]);
    CHECK(fields(server(bundle_with(wrong_order))) == Fields{"cert"});
    auto namesake = leaf;
    namesake.chain[2] = ca_entry("Root").chain[0];
    CHECK(fields(server(bundle_with(namesake))) == Fields{"cert"});
    const auto no_ca = weak_entry(EVP_EC_gen("P-256"), EVP_sha256());
    auto under_it = weak_entry(EVP_EC_gen("P-256"), EVP_sha256(), no_ca.chain[0].get(), no_ca.key.get());
    under_it.chain.push_back(leaf_entry().chain[0]);
    CHECK(fields(server(bundle_with(under_it))) == Fields{"cert"});
  }

  TEST_CASE("an issuer that is no CA is an error") {
    const auto leaf = leaf_entry();
    auto below = weak_entry(EVP_EC_gen("P-256"), EVP_sha256(), leaf.chain[0].get(), leaf.key.get());
    below.chain.push_back(leaf.chain[0]);
    const auto found = server(bundle_with(below));
    REQUIRE(found.errors.size() == 1);
    CHECK(found.errors[0].field == "cert");
    CHECK(found.errors[0].message.ends_with("is no CA and must not sign others"));
  }

  TEST_CASE("a chain without any CA is warned of, unless what is trusted issued it") {
    const auto root = ca_entry("Root");
    auto leaf = leaf_entry(&root);
    leaf.chain.resize(1);
    CHECK(fields(server(bundle_with(leaf))).empty());
    CHECK(server(bundle_with(leaf)).warnings.size() == 1);
    CHECK(server(bundle_with(leaf, root.chain)).warnings.empty());
    CHECK(server(bundle_with(leaf, ca_entry("Other").chain)).warnings.size() == 1);
    const auto issuing = ca_entry("Issuing", &root);
    auto without_root = leaf_entry(&issuing);
    without_root.chain.resize(2);  // as public CAs hand it out
    CHECK(server(bundle_with(without_root)).warnings.empty());
  }

  TEST_CASE("dates are warned of, to the millisecond: not yet valid, the last 30 days, expired") {
    const auto bundle = bundle_with(leaf_entry());
    const auto begin = kNow - 3'600'000;
    const auto end = kNow + 365 * kDay;
    struct Row {
      Millis now;
      std::string_view state;
      std::size_t warnings;
    };
    for (const auto& row :
         {Row{begin - 1, "not_yet_valid", 1}, Row{begin, "ok", 0}, Row{end - kExpiryWarning - 1, "ok", 0},
          Row{end - kExpiryWarning, "expiring", 1}, Row{end, "expiring", 1}, Row{end + 1, "expired", 1}}) {
      CAPTURE(row.now);
      CHECK(validity(bundle, row.now) == row.state);
      const auto found = server(bundle, false, row.now);
      CHECK(found.errors.empty());
      CHECK(found.warnings.size() == row.warnings);
    }
    CHECK(not_after(bundle) == end);
    CHECK(not_after(Bundle{}) == 0);
    CHECK(validity(Bundle{}, kNow) == "empty");
    // Trust counts only when there is nothing else.
    auto short_ca = ca_request("Short");
    short_ca.days = 1;
    const auto ca = entry_of(make(short_ca));
    CHECK(not_after(bundle_with(leaf_entry(), ca.chain)) == end);
    CHECK(not_after(Bundle{Format::pem, {}, ca.chain}) == kNow + kDay);
    CHECK(validity(Bundle{Format::pem, {}, ca.chain}, kNow) == "expiring");
    CHECK(client(Bundle{Format::pem, {}, ca.chain}).warnings.size() == 1);
  }

  TEST_CASE("weak keys are errors, weak signatures are warnings") {
    CHECK(fields(server(bundle_with(weak_entry(EVP_RSA_gen(1024), EVP_sha256())))) == Fields{"key", "cert"});
    CHECK(fields(server(bundle_with(weak_entry(EVP_RSA_gen(2048), EVP_sha256())))).empty());
    CHECK(fields(server(bundle_with(weak_entry(EVP_EC_gen("P-192"), EVP_sha256())))) == Fields{"key", "cert"});
    CHECK(fields(server(bundle_with(weak_entry(EVP_EC_gen("P-224"), EVP_sha256())))).empty());
    const auto root = ca_entry("Root");
    const auto signed_with = [&](const EVP_MD* digest) {
      auto entry = weak_entry(EVP_EC_gen("P-256"), digest, root.chain[0].get(), root.key.get());
      entry.chain.push_back(root.chain[0]);
      const auto found = server(bundle_with(entry));
      CHECK(found.errors.empty());
      return found.warnings.size();
    };
    CHECK(signed_with(EVP_sha1()) == signed_with(EVP_sha256()) + 1);
    // A root's own signature is not what peers go by.
    CHECK(server(bundle_with(weak_entry(EVP_EC_gen("P-256"), EVP_sha1()))).warnings ==
          server(bundle_with(weak_entry(EVP_EC_gen("P-256"), EVP_sha256()))).warnings);
  }

  TEST_CASE("a key that TLS cannot use is an error") {
    auto* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519");
    REQUIRE(key != nullptr);
    CHECK(fields(server(bundle_with({{}, Key(key, EVP_PKEY_free), leaf_entry().chain}))) == Fields{"key", "key"});
  }

  TEST_CASE("a certificate for the other side, or without names, is warned of") {
    const auto purpose = [](const char* value) {
      const auto entry = leaf_entry();
      auto* leaf = entry.chain[0].get();
      X509_EXTENSION_free(X509_delete_ext(leaf, X509_get_ext_by_NID(leaf, NID_ext_key_usage, -1)));
      auto* extension = X509V3_EXT_nconf_nid(nullptr, nullptr, NID_ext_key_usage, value);
      REQUIRE(X509_add_ext(leaf, extension, -1) == 1);
      X509_EXTENSION_free(extension);
      REQUIRE(X509_sign(leaf, entry.key.get(), EVP_sha256()) > 0);
      return bundle_with(entry_again(entry));
    };
    CHECK(server(purpose("serverAuth")).warnings.empty());
    CHECK(server(purpose("clientAuth")).warnings.size() == 1);
    CHECK(client(purpose("clientAuth")).warnings.empty());
    CHECK(client(purpose("serverAuth")).warnings.size() == 1);
    CHECK(server(bundle_with(entry_of(make(request_for("Gateway 1"))))).warnings.size() == 1);
    CHECK(client(bundle_with(entry_of(make(request_for("Gateway 1"))))).warnings.empty());
  }

  TEST_CASE("what is trusted should be a CA, and strong") {
    const auto root = ca_entry("Root");
    const auto leaf = leaf_entry(&root);
    CHECK(client(Bundle{Format::pem, {}, root.chain}).warnings.empty());
    CHECK(client(Bundle{Format::pem, {}, {leaf.chain[0]}}).warnings.size() == 1);
    CHECK(client(Bundle{Format::pem, {}, leaf_entry().chain}).warnings.empty());  // self-signed: pinned
    CHECK(client(Bundle{Format::pem, {}, weak_entry(EVP_RSA_gen(1024), EVP_sha256()).chain}).warnings.size() == 1);
  }

  TEST_CASE("a description tells what each certificate is, and nothing secret") {
    const auto root = ca_entry("Root");
    auto leaf = leaf_entry(&root);
    leaf.alias = "one";
    const auto told = describe(bundle_with(leaf, root.chain, Format::jks));
    const auto& entry = told.at("entries").at(0);
    CHECK(entry.at("alias") == "one");
    CHECK(entry.at("key") == boost::json::value{{"type", "EC P-256"}});
    const auto& first = entry.at("certificates").at(0).as_object();
    CHECK(first.at("subject") == "CN=gateway.example");
    CHECK(first.at("issuer") == "CN=Root");
    CHECK(first.at("isCa") == false);
    CHECK(first.at("signature") == "ecdsa-with-SHA256");
    CHECK(first.at("serial").as_string().size() == 40);
    CHECK(first.at("fingerprint").as_string() == fingerprint_of(*leaf.chain[0]));
    CHECK(fingerprint_of(*leaf.chain[0]).size() == 32 * 3 - 1);
    CHECK(told.at("trust").at(0).at("isCa") == true);
    CHECK(boost::json::serialize(told).find("PRIVATE") == std::string::npos);
    CHECK(describe(Bundle{}) ==
          boost::json::object{{"entries", boost::json::array{}}, {"trust", boost::json::array{}}});
  }

  TEST_CASE("names are printed in RFC 2253 order as UTF-8, and never break a line") {
    Certificate made(X509_new(), X509_free);
    auto* name = X509_get_subject_name(made.get());
    const auto add = [&](const char* field, int type, const std::string& value) {
      REQUIRE(X509_NAME_add_entry_by_txt(name, field, type, reinterpret_cast<const unsigned char*>(value.data()),
                                         static_cast<int>(value.size()), -1, 0) == 1);
    };
    CHECK(subject_of(*made).empty());
    add("O", MBSTRING_UTF8, "例子, Inc");
    add("CN", MBSTRING_UTF8, "gateway");
    CHECK(subject_of(*made) == "CN=gateway,O=例子\\, Inc");
    add("OU", MBSTRING_UTF8, "a\nb");
    CHECK(subject_of(*made).find('\n') == std::string::npos);
    add("L", V_ASN1_UTF8STRING, "\xff\xfe");
    CHECK(subject_of(*made).find('\xff') == std::string::npos);
  }
}
