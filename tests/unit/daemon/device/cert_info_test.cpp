#include "daemon/device/cert_info.hpp"

#include "common/cert/generate.hpp"
#include "daemon/device/cert_expiry.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <string>

namespace jl::device {
namespace {
namespace json = boost::json;

constexpr Millis kHour = 3600LL * 1000;
constexpr Millis kDay = 24 * kHour;

struct Bench {
  cert::Generated generate(const std::string& name, int days = 365, bool is_ca = false) const {
    cert::Request request;
    request.common_name = name;
    request.names = {name + ".example"};
    request.days = days;
    request.is_ca = is_ca;
    request.now = clock.now();
    auto made = cert::generate(request, nullptr);
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  // A cert as the store keeps it.
  model::Resource sealed(const std::string& id, json::object configs, json::object more = {}) {
    json::object spec = std::move(more);
    spec["configs"] = std::move(configs);
    std::vector<Problem> problems;
    model::Resource r = model::read_resource(*model::find_kind("cert"), {{"id", id}, {"spec", spec}}, problems);
    secrets.seal(r, nullptr, problems);
    REQUIRE(problems.empty());
    return r;
  }
  model::Resource fresh(const std::string& id, int days = 365) {
    const auto made = generate(id, days);
    return sealed(id, {{"key", made.key_pem.reveal()}, {"cert", made.cert_pem}});
  }

  test::ManualClock clock;
  std::array<unsigned char, 32> key{9};
  Secrets secrets{store::Sealer(key)};
  Catalogs catalogs{secrets};
  test::FakeStore store;
};

}  // namespace

TEST_SUITE("device.cert") {
  TEST_CASE("a sealed cert is opened with its key, chain and what it is meant for [network 5.1]") {
    Bench b;
    const auto made = b.generate("web");
    const auto authority = b.generate("ca", 365, true);
    const auto resource =
        b.sealed("web", {{"key", made.key_pem.reveal()}, {"cert", made.cert_pem}, {"trust", authority.cert_pem}},
                 {{"mode", "client"}, {"authenticationMethod", "binomial"}});
    CHECK(json::serialize(resource.spec).find("PRIVATE") == std::string::npos);
    const auto info = open_cert(resource, b.secrets);
    REQUIRE(info.has_value());
    CHECK(info->id == "web");
    CHECK(info->format == cert::Format::pem);
    CHECK(info->mode == cert::Mode::client);
    CHECK(info->mutual);
    REQUIRE(info->bundle->entries.size() == 1);
    CHECK(info->bundle->entries[0].key);
    CHECK(info->bundle->entries[0].chain.size() == 1);
    CHECK(info->bundle->trust.size() == 1);
    CHECK(info->not_after / 1000 == (b.clock.now() + 365 * kDay) / 1000);
    const json::object status = cert_status(*info, b.clock.now(), true);
    CHECK(status.at("validity") == "ok");
    CHECK(status.at("subject") == "CN=web");
    CHECK(status.at("trust") == 1);
    CHECK(status.at("authorities").at(0).at("subject") == "CN=ca");
    CHECK(to_pem(*info->bundle->entries[0].chain[0]) == made.cert_pem);
    CHECK(to_pem(*info->bundle->entries[0].key).reveal() == made.key_pem.reveal());
    CHECK(json::serialize(info->summary).find("PRIVATE") == std::string::npos);
  }

  TEST_CASE("PEM of 1.x, key and certificates in the field of the key store, is read [network 5.1]") {
    Bench b;
    const auto made = b.generate("old");
    const auto info = open_cert(b.sealed("old", {{"keystoreBase64", made.key_pem.reveal() + made.cert_pem},
                                                 {"trustKeyStoreBase64", made.cert_pem}}),
                                b.secrets);
    REQUIRE(info.has_value());
    CHECK(info->bundle->entries.at(0).key);
    CHECK(info->bundle->entries.at(0).chain.size() == 1);
    CHECK(info->bundle->trust.size() == 1);
  }

  TEST_CASE("what cannot be read names the field of the spec") {
    Bench b;
    const auto made = b.generate("web");
    CHECK(open_cert(b.sealed("a", {{"key", "-----BEGIN NONSENSE-----"}, {"cert", made.cert_pem}}), b.secrets)
              .error()
              .field == "spec.configs.key");
    CHECK(open_cert(b.sealed("b", {{"keystoreBase64", "!!!"}}, {{"format", "PFX"}}), b.secrets).error().field ==
          "spec.configs.keystoreBase64");
    model::Resource foreign = b.fresh("c");
    foreign.id = "d";  // sealed for another object
    CHECK(open_cert(foreign, b.secrets).error().code == Errc::corrupt);
  }

  TEST_CASE("the catalog opens a cert once, takes over changes, and keeps what is wrong with one") {
    Bench b;
    model::Resource first = b.fresh("web");
    store::Transaction transaction;
    transaction.put(store::Family::resources, store::key({"cert", "web"}), model::to_stored(first));
    transaction.put(store::Family::resources, store::key({"cert", "bad"}),
                    model::to_stored(b.sealed("bad", {{"key", "no key"}})));
    REQUIRE(b.store.commit(transaction).has_value());
    REQUIRE(b.catalogs.load(*b.store.snapshot()).has_value());
    const auto catalog = b.catalogs.current();
    const auto web = catalog->cert("web");
    REQUIRE(web);
    CHECK(web->problem.empty());
    CHECK(web->bundle->entries.at(0).key);
    const auto bad = catalog->cert("bad");
    REQUIRE(bad);
    CHECK_FALSE(bad->problem.empty());
    CHECK_FALSE(bad->bundle);
    CHECK(cert_status(*bad, 0, true).at("validity") == "unreadable");
    CHECK_FALSE(catalog->cert("other"));

    model::Resource other = first;
    other.kind = "network";
    b.catalogs.update("network", "web", &other);
    CHECK(b.catalogs.current()->cert("web") == web);
    model::Resource renewed = b.fresh("web", 10);
    b.catalogs.update("cert", "web", &renewed);
    CHECK(b.catalogs.current()->cert("web")->not_after < web->not_after);
    CHECK(b.catalogs.current()->cert("bad") == bad);
    b.catalogs.update("cert", "web", nullptr);
    CHECK_FALSE(b.catalogs.current()->cert("web"));
  }

  TEST_CASE("certs that end within 30 days are warned of once a day each, looked at hourly") {
    Bench b;
    const auto put = [&](const std::string& id, int days) {
      const model::Resource r = b.fresh(id, days);
      b.catalogs.update("cert", id, &r);
    };
    REQUIRE(b.catalogs.load(*b.store.snapshot()).has_value());
    put("soon", 20);
    put("later", 31);
    CertExpiry expiry(b.clock);
    const auto check = [&] { return expiry.check(*b.catalogs.current()); };
    CHECK(check() == 1);
    CHECK(check() == 0);
    put("new", 5);
    b.clock.advance(59 * kHour / 60);
    CHECK(check() == 0);
    b.clock.advance(kHour / 60);
    CHECK(check() == 1);  // the new one alone
    b.clock.advance(22 * kHour);
    CHECK(check() == 0);
    b.clock.advance(2 * kHour);
    CHECK(check() == 3);  // a day later, and "later" is within 30 days by now
    put("soon", 365);
    put("new", 365);
    b.clock.advance(25 * kHour);
    CHECK(check() == 1);
    b.clock.advance(24 * 40 * kHour);
    CHECK(check() == 1);  // what has ended is warned of as well
  }

  TEST_CASE("days left count down to the end and below [cert show]") {
    Bench b;
    const auto info = open_cert(b.fresh("web", 10), b.secrets);
    REQUIRE(info.has_value());
    const auto status = [&](Millis days) { return cert_status(*info, b.clock.now() + days * kDay, false); };
    CHECK(status(1).at("daysLeft").to_number<int>() >= 8);
    CHECK(status(1).at("validity") == "expiring");
    CHECK(status(11).at("daysLeft").to_number<int>() <= -1);
    CHECK(status(11).at("validity") == "expired");
    CHECK(status(-2).at("validity") == "not_yet_valid");
    CHECK_FALSE(status(1).contains("chain"));
  }
}

}  // namespace jl::device
