#include "daemon/device/secrets.hpp"

#include "daemon/device/password_hash.hpp"

#include <doctest/doctest.h>

namespace jl::device {
namespace {

const Secrets& secrets() {
  static const Secrets instance(store::Sealer(std::array<unsigned char, 32>{1, 2, 3}));
  return instance;
}

model::Resource device(const std::string& id, const std::string& key) {
  model::Resource out;
  out.kind = "device";
  out.id = out.name = id;
  out.spec = boost::json::parse(R"({"productId":"p","configuration":{"secureId":"s"}})").as_object();
  if (!key.empty()) out.spec["configuration"].as_object()["secureKey"] = key;
  return out;
}
std::string key_of(const model::Resource& r) { return r.spec.at("configuration").at("secureKey").as_string().c_str(); }

model::Resource user(const std::string& password) {
  model::Resource out;
  out.kind = "user";
  out.id = out.name = "u1";
  out.spec = {{"networkId", "n"}, {"password", password}};
  return out;
}
std::string password_of(const model::Resource& r) { return r.spec.at("password").as_string().c_str(); }
model::Resource sealed(model::Resource resource, const model::Resource* before = nullptr) {
  std::vector<Problem> problems;
  secrets().seal(resource, before, problems);
  REQUIRE(problems.empty());
  return resource;
}
model::Resource revealed(model::Resource resource) {
  REQUIRE(secrets().reveal(resource).has_value());
  return resource;
}

}  // namespace

TEST_SUITE("device.secrets") {
  TEST_CASE("a secret is sealed, what is none stays, and the plain text comes back only by opening") {
    model::Resource r = device("d1", "top secret");
    std::vector<Problem> problems;
    secrets().seal(r, nullptr, problems);
    CHECK(problems.empty());
    CHECK(store::Sealer::is_sealed(key_of(r)));
    CHECK(r.spec.at("configuration").at("secureId") == boost::json::value("s"));
    const auto opened = secrets().open_config(r);
    REQUIRE(opened.has_value());
    CHECK(opened->at("secureKey").reveal() == "top secret");
    CHECK(opened->at("secureId").reveal() == "s");
  }

  TEST_CASE("the same secret given again keeps its sealed text, so that the resource is unchanged") {
    std::vector<Problem> problems;
    model::Resource before = device("d1", "k");
    secrets().seal(before, nullptr, problems);
    model::Resource again = device("d1", "k"), other = device("d1", "k2");
    secrets().seal(again, &before, problems);
    secrets().seal(other, &before, problems);
    CHECK(model::same_content(before, again));
    CHECK_FALSE(model::same_content(before, other));
  }

  TEST_CASE("a placeholder stands for the stored secret and for no other") {
    std::vector<Problem> problems;
    model::Resource before = device("d1", "k");
    secrets().seal(before, nullptr, problems);
    model::Resource shown = before;
    secrets().mask(shown);
    CHECK(key_of(shown).starts_with(kPlaceholder));
    CHECK(key_of(shown).find("k") == std::string::npos);
    model::Resource back = shown;
    secrets().seal(back, &before, problems);
    CHECK(problems.empty());
    CHECK(model::same_content(before, back));

    model::Resource elsewhere = device("d2", key_of(shown));
    secrets().seal(elsewhere, nullptr, problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].code == Errc::secret_missing);
    CHECK(problems[0].field == "spec.configuration.secureKey");
  }

  TEST_CASE("a sealed text of another device is refused, and opens for nobody else") {
    std::vector<Problem> problems;
    model::Resource theirs = device("d1", "k");
    secrets().seal(theirs, nullptr, problems);
    model::Resource mine = device("d2", key_of(theirs));
    secrets().seal(mine, nullptr, problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].code == Errc::invalid);
    CHECK(secrets().open_config(mine).error().code == Errc::corrupt);
  }

  TEST_CASE("of a password that is only compared a sealed hash is kept, never the password") {
    const model::Resource stored = sealed(user("pw"));
    CHECK(store::Sealer::is_sealed(password_of(stored)));
    const std::string hash = password_of(revealed(stored));
    CHECK(is_password_hash(hash));
    CHECK(verify_password(hash, "pw"));
  }

  TEST_CASE("the same password given again keeps its hash to the byte, another one does not") {
    const model::Resource before = sealed(user("pw"));
    CHECK(model::same_content(before, sealed(user("pw"), &before)));
    const model::Resource other = sealed(user("pw2"), &before);
    CHECK_FALSE(model::same_content(before, other));
    CHECK(verify_password(password_of(revealed(other)), "pw2"));
  }

  TEST_CASE("the placeholder of a hashed password stands for its hash, and for no other") {
    const model::Resource before = sealed(user("pw"));
    model::Resource shown = before;
    secrets().mask(shown);
    CHECK(password_of(shown).starts_with(kPlaceholder));
    CHECK(model::same_content(before, sealed(shown, &before)));

    const model::Resource changed = sealed(user("pw2"), &before);
    std::vector<Problem> problems;
    secrets().seal(shown, &changed, problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].code == Errc::secret_missing);
    CHECK(problems[0].field == "spec.password");
  }

  TEST_CASE("an exported hash is taken as it is, into the same place and into an empty one") {
    const model::Resource before = sealed(user("pw"));
    const model::Resource exported = revealed(before);
    REQUIRE(is_password_hash(password_of(exported)));
    CHECK(model::same_content(before, sealed(exported, &before)));
    const model::Resource elsewhere = sealed(exported);
    CHECK(password_of(revealed(elsewhere)) == password_of(exported));
    CHECK(verify_password(password_of(revealed(elsewhere)), "pw"));
  }
}

}  // namespace jl::device
