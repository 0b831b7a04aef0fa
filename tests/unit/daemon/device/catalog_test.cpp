#include "daemon/device/directory.hpp"

#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::device {
namespace {
namespace json = boost::json;

struct Bench {
  void put(const char* kind, const char* id, json::object spec, bool enabled = true) {
    model::Resource r;
    r.kind = kind;
    r.id = id;
    r.name = id;
    r.enabled = enabled;
    r.spec = std::move(spec);
    r.created_at = r.updated_at = 1;
    std::vector<Problem> problems;
    secrets.seal(r, nullptr, problems);
    REQUIRE(problems.empty());
    store::Transaction transaction;
    transaction.put(store::Family::resources, store::key({kind, id}), model::to_stored(r));
    REQUIRE(store.commit(transaction).has_value());
    catalogs.update(kind, id, &r);
  }
  Bench() {
    put("protocol", "official",
        {{"type", "builtin"}, {"configuration", json::object{{"builtin", "jetlinks-official"}}}});
    put("gateway", "gw", {{"provider", "mqtt-server-gateway"}, {"channelId", "net"}, {"protocol", "official"}});
    put("product", "p",
        {{"accessId", "gw"},
         {"configuration", json::object{{"secureKey", "product-key"}, {"secureType", "md5"}}},
         {"metadata", json::parse(R"({"properties":[{"id":"a","name":"A","valueType":{"type":"int"}}]})")}});
    put("device", "d",
        {{"productId", "p"},
         {"configuration", json::object{{"secureKey", "own-key"}}},
         {"deriveMetadata", json::parse(R"({"properties":[{"id":"b","name":"B","valueType":{"type":"int"}}]})")}});
  }
  test::FakeStore store;
  std::array<unsigned char, 32> key{7};
  Secrets secrets{store::Sealer(key)};
  Catalogs catalogs{secrets};
  Directory directory{store, secrets, catalogs};
};

}  // namespace

TEST_SUITE_BEGIN("device.directory");

TEST_CASE("a device has its own configuration over its product's, and a merged thing model [access 6]") {
  Bench b;
  const auto found = b.directory.find("d");
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  const DeviceRecord& d = **found;
  CHECK(d.enabled);
  CHECK(d.identity.product_id == "p");
  CHECK(d.identity.config("secureKey") == "own-key");
  CHECK(d.identity.config("secureType") == "md5");
  REQUIRE(d.product);
  CHECK(d.identity.product_configuration == d.product->configuration);  // not copied for each device
  CHECK(d.catalog->codec_of(*d.product) == &codec::official_protocol());
  const auto things = Directory::things_of(d);
  CHECK(things.properties.size() == 2);
}

TEST_CASE("what cannot be an id is nobody, without a look into the store") {
  Bench b;
  CHECK_FALSE(b.directory.find("")->has_value());
  CHECK_FALSE(b.directory.find(std::string(65, 'x'))->has_value());
  CHECK_FALSE(b.directory.find(std::string("d\0x", 3))->has_value());
  CHECK_FALSE(b.directory.find("nobody")->has_value());
}

TEST_CASE("catalogs are pictures: who holds one sees no later change") {
  Bench b;
  const auto before = b.catalogs.current();
  b.put("protocol", "official",
        {{"type", "builtin"}, {"configuration", json::object{{"builtin", "jetlinks-official"}}}}, false);
  const auto after = b.catalogs.current();
  CHECK(before->codec_of(*before->product("p")) != nullptr);
  CHECK(after->codec_of(*after->product("p")) == nullptr);
  b.catalogs.update("gateway", "gw", nullptr);
  CHECK(b.catalogs.current()->gateway("gw") == nullptr);
  CHECK(after->gateway("gw") != nullptr);
}

TEST_CASE("a catalog that is loaded equals one that was kept up to date") {
  Bench b;
  Catalogs loaded(b.secrets);
  REQUIRE(loaded.load(*b.store.snapshot()).has_value());
  const auto product = loaded.current()->product("p");
  REQUIRE(product);
  CHECK(product->enabled);
  CHECK(product->gateway_id == "gw");
  REQUIRE(product->configuration);
  CHECK(product->configuration->at("secureKey").reveal() == "product-key");
  CHECK(loaded.current()->gateway("gw")->protocol_id == "official");
}

TEST_SUITE_END();

}  // namespace jl::device
