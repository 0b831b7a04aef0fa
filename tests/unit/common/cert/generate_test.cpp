#include "common/cert/generate.hpp"

#include "common/cert/check.hpp"
#include "tests/unit/common/cert/material.hpp"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>
#include <boost/json.hpp>

using namespace jl;
using namespace jl::cert;
using namespace jl::cert::test;

TEST_SUITE("common.cert.generate") {
  TEST_CASE("a certificate made for a host passes every check without a warning, with each type of key") {
    const std::pair<KeyType, const char*> kTypes[] = {{KeyType::ec_p256, "EC P-256"},
                                                      {KeyType::ec_p384, "EC P-384"},
                                                      {KeyType::rsa_2048, "RSA 2048"},
                                                      {KeyType::ed25519, "Ed25519"}};
    for (const auto& [type, name] : kTypes) {
      CAPTURE(name);
      auto request = request_for("gateway.example");
      request.key_type = type;
      const auto made = make(request);
      const auto bundle = bundle_of(made);
      const auto found = check(bundle, Mode::server, false, kNow);
      CHECK(found.errors.empty());
      CHECK(found.warnings.empty());
      const auto told = describe(bundle);
      const auto& entry = told.at("entries").as_array().at(0).as_object();
      CHECK(entry.at("key").at("type").as_string() == name);
      CHECK(entry.at("certificates").as_array().at(0).at("keyType").as_string() == name);
    }
  }

  TEST_CASE("a certificate of a CA brings the CA's and leads to it") {
    const auto root = entry_of(make(ca_request("Lab Root")));
    const auto issuing = entry_of(make(ca_request("Lab Issuing"), &root));
    const auto leaf = bundle_of(make(request_for("gateway.example"), &issuing));
    REQUIRE(leaf.entries.size() == 1);
    REQUIRE(leaf.entries[0].chain.size() == 3);
    CHECK(subject_of(*leaf.entries[0].chain[1]) == "CN=Lab Issuing");
    CHECK(subject_of(*leaf.entries[0].chain[2]) == "CN=Lab Root");
    const auto found = check(leaf, Mode::server, false, kNow);
    CHECK(found.errors.empty());
    CHECK(found.warnings.empty());
    CHECK(X509_get_pathlen(issuing.chain[0].get()) == 0);
    CHECK(X509_get_pathlen(root.chain[0].get()) == 1);
    CHECK(X509_check_ca(leaf.entries[0].chain[0].get()) == 0);
    // The key identifiers are what clients follow first.
    CHECK(X509_check_issued(issuing.chain[0].get(), leaf.entries[0].chain[0].get()) == X509_V_OK);
    CHECK(X509_get0_authority_key_id(leaf.entries[0].chain[0].get()) != nullptr);
  }

  TEST_CASE("names and addresses become subjectAltNames, a common name that is one stands in for none") {
    auto request = request_for("Gateway 1");
    request.names = {"gateway.example", "*.lab.example", "192.0.2.7", "2001:db8::7"};
    const auto sans = [](const Generated& made) {
      return describe(bundle_of(made)).at("entries").at(0).at("certificates").at(0).at("sans").as_array();
    };
    CHECK(sans(make(request)) == boost::json::array{"gateway.example", "*.lab.example", "192.0.2.7", "2001:db8::7"});
    CHECK(sans(make(request_for("gateway.example"))) == boost::json::array{"gateway.example"});
    CHECK(sans(make(request_for("192.0.2.9"))) == boost::json::array{"192.0.2.9"});
    CHECK(sans(make(request_for("Gateway 1"))).empty());
    CHECK(sans(make(ca_request("ca.example"))).empty());
  }

  TEST_CASE("it is valid from an hour ago for its days, but never longer than its issuer, with a serial of its own") {
    auto request = request_for("a.example");
    request.days = 10;
    const auto first = entry_of(make(request));
    const auto second = entry_of(make(request));
    const auto told = describe(bundle_of(make(request))).at("entries").at(0).at("certificates").at(0);
    CHECK(told.at("notBefore").as_string() == format_time(kNow - 3'600'000));
    CHECK(told.at("notAfter").as_string() == format_time(kNow + 10 * kDay));
    CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(first.chain[0].get()),
                           X509_get0_serialNumber(second.chain[0].get())) != 0);
    CHECK(ASN1_STRING_length(X509_get0_serialNumber(first.chain[0].get())) == 20);

    auto short_ca = ca_request("Short");
    short_ca.days = 5;
    const auto ca = entry_of(make(short_ca));
    CHECK(not_after(bundle_of(make(request, &ca))) == kNow + 5 * kDay);
  }

  TEST_CASE("a bad request names its field") {
    const auto field = [](const Request& request, const Entry* issuer = nullptr) {
      const auto made = generate(request, issuer);
      REQUIRE_FALSE(made.has_value());
      CHECK(made.error().code == Errc::invalid);
      return made.error().field;
    };
    for (const std::string bad : {"", "a\nb", "\xff"}) CHECK(field(request_for(bad)) == "commonName");
    CHECK(field(request_for(std::string(65, 'a'))) == "commonName");
    CHECK(generate(request_for("四十"), nullptr).has_value());
    for (const std::string bad : {"", "a b", "a,DNS:b", "-a", "a-", "a..b", "*", "*a.b", "a.*.b", "1.2.3", "1.2.3.400",
                                  "a_b", ".a", "a.", "2001:db8::g"}) {
      CAPTURE(bad);
      auto request = request_for("x");
      request.names = {bad};
      CHECK(field(request) == "names");
    }
    auto request = request_for("x");
    request.names.assign(65, "a.example");
    CHECK(field(request) == "names");
    for (const int days : {0, -1, 36501}) {
      request = request_for("x");
      request.days = days;
      CHECK(field(request) == "days");
    }
    request = request_for("x");
    const auto leaf = entry_of(make(request_for("leaf.example")));
    CHECK(field(request, &leaf) == "issuer");
    auto ca = entry_of(make(ca_request("CA")));
    CHECK(generate(request, &ca).has_value());
    const auto issuing = entry_of(make(ca_request("Issuing"), &ca));
    CHECK(field(ca_request("Too deep"), &issuing) == "issuer");
    request.now = kNow + 366 * kDay;
    CHECK(field(request, &ca) == "issuer");
    request.now = kNow - 2 * kDay;
    CHECK(field(request, &ca) == "issuer");
    request.now = kNow;
    auto other = ca;
    other.key = leaf.key;
    CHECK(field(request, &other) == "issuer");
    ca.key = nullptr;
    CHECK(field(request, &ca) == "issuer");
  }
}
