// Protocols, gateways, products and devices, and how they hold together.
#include "import_support.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace jl;
using namespace jl::cli::jetlinks;
using namespace jl::cli::jetlinks::test;

namespace {

constexpr const char* kNetwork = R"({"id":"n","type":"MQTT_SERVER","configuration":{"port":1883}})";
constexpr const char* kOfficial = R"({"id":"off","type":"jar","state":1,
  "configuration":{"provider":"org.jetlinks.protocol.official.JetLinksProtocolSupportProvider"}})";
constexpr const char* kGateway =
    R"({"id":"g","provider":"mqtt-server-gateway","channelId":"n","protocol":"off","state":"enabled"})";
constexpr const char* kProduct = R"({"id":"p","accessId":"g","messageProtocol":"off","state":1})";

std::string list(const std::vector<std::string>& objects) {
  std::string out;
  for (const std::string& object : objects) out += (out.empty() ? "[" : ",") + object;
  return out + "]";
}

std::string sample(const std::string& name) {
  std::ifstream in(std::string(JL_SOURCE_DIR) + "/tests/support/jetlinks/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_SUITE("cli.import") {
  TEST_CASE(
      "the official protocol is known by its id, its provider, its file, or because we are told [access.md 4.5]") {
    struct Row {
      const char* object;
      bool official;
    };
    Options told;
    told.official = {"mine"};
    for (
        const Row& row : std::vector<Row>{
            {R"({"id":"jetlinks.v3.0","type":"jar"})", true},
            {R"({"id":"jetlinks-official-protocol","type":"jar"})", true},
            {R"({"id":"1","type":"jar","configuration":{"provider":"org.jetlinks.protocol.official.X"}})", true},
            {R"({"id":"1","type":"jar","configuration":"{\"location\":\"http://h/x/jetlinks-official-protocol-3.0.jar\"}"})",
             true},
            {R"({"id":"1","type":"local","configuration":{"location":"d:\\p\\jetlinks-official-protocol\\target"}})",
             false},
            {R"({"id":"mine","type":"jar"})", true},
            {R"({"id":"1","type":"jar","configuration":{"provider":"com.example.P"}})", false},
            {R"({"id":"1","type":"local","configuration":{"location":"/x"}})", false}}) {
      CAPTURE(row.object);
      const auto out = import(row.object, told);
      REQUIRE(out.has_value());
      CHECK(out->documents.size() == (row.official ? 1 : 0));
      CHECK(out->left_out == (row.official ? 0 : 1));
      if (!row.official) CHECK(says(*out, "jlctl protocol init"));
      CHECK(faults_of(*out).empty());
    }
  }

  TEST_CASE("a gateway comes with its component and protocol, and brings the official one along [access.md 1]") {
    const auto out = import(list({kNetwork, kOfficial, kGateway}));
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    CHECK(document_of(*out, "gateway", "g").at("spec") ==
          json::parse(R"({"provider":"mqtt-server-gateway","channelId":"n","protocol":"off"})"));
    const auto old = import(list({kNetwork, R"({"id":"g","provider":"mqtt-server-gateway","networkId":"n",
                                               "configuration":{"protocol":"jetlinks.v3.0","routes":[1]}})"}));
    REQUIRE(old.has_value());
    CHECK(document_of(*old, "protocol", "jetlinks.v3.0").at("spec").at("type") == "builtin");
    CHECK(document_of(*old, "gateway", "g").at("spec").at("protocol") == "jetlinks.v3.0");
    CHECK(says(*old, "configuration.routes: dropped"));
    CHECK(faults_of(*old).empty());
  }

  TEST_CASE("a gateway that cannot stand is left out, and a product on it is written disabled without it") {
    struct Row {
      std::vector<std::string> objects;
      const char* reason;
    };
    const std::string jar = R"({"id":"off","type":"jar"})";
    for (const Row& row : std::vector<Row>{
             {{kOfficial, kGateway}, "network \"n\" is in none of the files"},
             {{kNetwork, kGateway}, "protocol \"off\" is in none of the files"},
             {{kNetwork, jar, kGateway}, "protocol \"off\" is not carried"},
             {{R"({"id":"n","type":"UDP","configuration":{"port":1}})", kOfficial, kGateway}, "is no MQTT_SERVER"},
             {{kNetwork, kOfficial, R"({"id":"g","provider":"gb28181-2016","channelId":"g"})"}, "gb28181-2016"},
             {{kNetwork, kOfficial, R"({"id":"g","provider":"mqtt-server-gateway","protocol":"off"})"},
              "names no network component"},
             {{kNetwork, kOfficial, R"({"id":"g","provider":"mqtt-server-gateway","channelId":"n"})"},
              "names no protocol"},
         }) {
      CAPTURE(row.reason);
      auto objects = row.objects;
      objects.emplace_back(kProduct);
      const auto out = import(list(objects));
      REQUIRE(out.has_value());
      CHECK(document_of(*out, "gateway", "g").is_null());
      const auto product = document_of(*out, "product", "p");
      REQUIRE(product.is_object());
      CHECK(product.at("enabled") == false);
      CHECK_FALSE(product.at("spec").as_object().contains("accessId"));
      CHECK(says(*out, row.reason));
      CHECK(faults_of(*out).empty());
    }
  }

  TEST_CASE("references to what the daemon has already are kept, by kind or by id") {
    const std::string device = R"({"id":"d","productId":"p","configuration":{"any":"thing"},"state":"offline"})";
    CHECK(import(device)->left_out == 1);
    for (const char* existing : {"product", "product/p"}) {
      Options options;
      options.existing = {existing};
      const auto out = import(device, options);
      CHECK(out->left_out == 0);
      // What its protocol asks for is not known here.
      REQUIRE(out->notes.size() == 1);
      CHECK(says(*out, "configuration.any: kept for the protocol that the daemon has"));
      CHECK(document_of(*out, "device", "d").at("spec").at("configuration").at("any") == "thing");
    }
    Options jar;
    jar.existing = {"protocol/off"};
    const auto out = import(list({kNetwork, R"({"id":"off","type":"jar"})", kGateway}), jar);
    CHECK(document_of(*out, "gateway", "g").is_object());
  }

  TEST_CASE("a protocol that is off switches off what would not be let in with it") {
    const std::string off =
        R"({"id":"off","type":"jar","state":0,"configuration":{"provider":"org.jetlinks.protocol.official.X"}})";
    const auto out = import(list({kNetwork, off, kGateway, kProduct}));
    CHECK(document_of(*out, "gateway", "g").at("enabled") == false);
    CHECK(document_of(*out, "product", "p").at("enabled") == false);
  }

  TEST_CASE("a component of TCP serves one gateway; the second is left out [access.md 1.4]") {
    const auto out =
        import(list({R"({"id":"t","type":"TCP_SERVER","configuration":{"port":1,"parserType":"DIRECT"}})", kOfficial,
                     R"({"id":"a","provider":"tcp-server-gateway","channelId":"t","protocol":"off"})",
                     R"({"id":"b","provider":"tcp-server-gateway","channelId":"t","protocol":"off"})"}));
    CHECK(document_of(*out, "gateway", "a").is_object());
    CHECK(document_of(*out, "gateway", "b").is_null());
    CHECK(says(*out, "serves gateway/a already"));
  }

  TEST_CASE("a product of 1.x finds its gateway by protocol and transport, when there is one [network.md 1.6]") {
    const std::string product = R"({"id":"p","messageProtocol":"off","transportProtocol":"MQTT","state":1})";
    const auto one = import(list({kNetwork, kOfficial, kGateway, product}));
    CHECK(document_of(*one, "product", "p").at("spec").at("accessId") == "g");
    CHECK(document_of(*one, "product", "p").at("enabled") == true);
    const auto two =
        import(list({kNetwork, kOfficial, kGateway,
                     R"({"id":"h","provider":"mqtt-server-gateway","channelId":"n","protocol":"off"})", product}));
    CHECK(document_of(*two, "product", "p").at("enabled") == false);
    CHECK(says(*two, "the export names no gateway"));
  }

  TEST_CASE("a thing model comes over as JSON; entries that jlinkd would refuse go, one by one, with the reason") {
    const json::value model_text =
        R"({"properties":[{"id":"a","valueType":{"type":"int"}},{"id":"b","valueType":{"type":"odd"}},{"id":"c"},
            {"id":"d","valueType":{"type":"enum","elements":[{"value":""}]}}],"extra":1})";
    const auto out = import(
        json::serialize(json::object{{"id", "p"}, {"messageProtocol", "x"}, {"state", 0}, {"metadata", model_text}}));
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    const auto model = document_of(*out, "product", "p").at("spec").at("metadata");
    REQUIRE(model.at("properties").as_array().size() == 2);
    CHECK(model.at("properties").at(0).at("id") == "a");
    CHECK(model.at("properties").at(1).at("valueType").at("elements").at(0).at("value") == "");
    CHECK(says(*out, "metadata.properties[1]: dropped: metadata.properties[1].valueType.type"));
    CHECK(says(*out, "metadata.properties[2]: dropped"));
    CHECK(says(*out, "metadata.extra: dropped: unknown field"));
    CHECK(faults_of(*out).empty());
    const auto broken = import(R"({"id":"p","messageProtocol":"x","metadata":"{broken"})");
    CHECK(broken->left_out == 0);
    CHECK(says(*broken, "metadata: dropped"));
  }

  TEST_CASE("devices keep credentials, state, parent and their own model; what is derived goes silently") {
    const auto out = import(list(
        {kNetwork, kOfficial, kGateway, kProduct,
         R"({"id":"d1","name":"一号","productId":"p","productName":"x","state":{"value":"online"},"registryTime":1,
            "configuration":{"secureId":"s","secureKey":7,"vendor":"A","empty":""},"metadata":"{\"properties\":[]}"})",
         R"({"id":"d2","productId":"p","parentId":"d1","state":"notActive","features":"selfManageState,other",
            "deriveMetadata":"{\"events\":[{\"id\":\"e\"}]}"})",
         R"({"id":"d3","productId":"p","parentId":"gone","state":-1})", R"({"id":"d4","productId":"p","state":-3})"}));
    REQUIRE(out.has_value());
    const auto d1 = document_of(*out, "device", "d1");
    CHECK(d1.at("enabled") == true);
    CHECK(d1.at("spec") == json::parse(R"({"productId":"p","configuration":{"secureId":"s","secureKey":"7"}})"));
    const auto d2 = document_of(*out, "device", "d2");
    CHECK(d2.at("enabled") == false);
    CHECK(d2.at("spec").at("parentId") == "d1");
    CHECK(d2.at("spec").at("selfManageState") == true);
    CHECK(d2.at("spec").at("deriveMetadata").at("events").as_array().size() == 1);
    CHECK(document_of(*out, "device", "d3").at("enabled") == true);
    CHECK(document_of(*out, "device", "d4").at("enabled") == false);
    CHECK(lines(*out).size() == 4);
    CHECK(says(*out, "device/d1: configuration.vendor: dropped"));
    CHECK(says(*out, "device/d2: features: dropped"));
    CHECK(says(*out, "device/d3: parentId: dropped: device \"gone\" is in none of the files"));
    CHECK(faults_of(*out).empty());
  }

  TEST_CASE("nobody is his own ancestor") {
    Options options;
    options.existing = {"product"};
    const auto out =
        import(list({R"({"id":"a","productId":"p","parentId":"b"})", R"({"id":"b","productId":"p","parentId":"c"})",
                     R"({"id":"c","productId":"p","parentId":"a"})", R"({"id":"s","productId":"p","parentId":"s"})"}),
               options);
    std::size_t parents = 0;
    for (const auto& document : out->documents) parents += document.at("spec").as_object().contains("parentId") ? 1 : 0;
    CHECK(parents == 2);
    CHECK(says(*out, "own ancestor"));
  }

  TEST_CASE("ids that are not legal change everywhere; names and descriptions are cut to their length") {
    const std::string name = "名" + std::string(70, 'x');
    const auto out =
        import(list({R"({"id":"网 络","name":")" + name +
                         R"(","description":"a\tb","type":"MQTT_SERVER","configuration":{"port":1}})",
                     kOfficial, R"({"id":"g/1","provider":"mqtt-server-gateway","channelId":"网 络","protocol":"off"})",
                     R"({"id":"p","accessId":"g/1","state":1})"}));
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    CHECK(faults_of(*out).empty());
    const auto& network = out->documents.at(0);
    const auto& gateway = out->documents.at(2);
    CHECK(network.at("name").as_string().size() == 3 + 63);
    CHECK(gateway.at("spec").at("channelId") == network.at("id"));
    CHECK(out->documents.at(3).at("spec").at("accessId") == gateway.at("id"));
    CHECK(says(*out, "network/网 络: id: became \"network-"));
    CHECK(says(*out, "name: cut from 71 characters to 64"));
  }

  TEST_CASE("of two objects with one id the first counts; the same twice is once") {
    const auto out = import(list({kNetwork, kNetwork, R"({"id":"n","type":"UDP","configuration":{"port":5}})"}));
    REQUIRE(out->documents.size() == 1);
    CHECK(out->documents[0].at("spec").at("type") == "MQTT_SERVER");
    CHECK(out->left_out == 1);
    CHECK(says(*out, "stands twice with different content"));
  }

  TEST_CASE("objects of wrong shapes are told, never trusted") {
    for (
        const char* text :
        {R"({"id":{},"productId":"p"})", R"({"id":[],"type":"UDP"})", R"({"productId":{"a":1}})",
         R"({"id":"1","productId":"p","configuration":[1,2],"features":{"a":1},"deriveMetadata":7,"parentId":[]})",
         R"({"id":"1","type":"TCP_SERVER","configuration":{"port":{},"parserType":[],"parserConfiguration":7}})",
         R"({"id":"1","type":"MQTT_SERVER","shareCluster":false,"cluster":[[],{},7,{"serverId":{}}]})",
         R"({"id":"1","provider":{"value":[]},"channelId":{},"protocol":1.5})",
         R"({"id":"1","accessId":[],"metadata":{"properties":{"a":1}},"configuration":"{\"a\":[1]}","state":{"value":[]}})",
         R"({"id":"1","configs":{"key":{"a":1}},"format":"PEM"})", R"({"id":"1","configs":"text"})",
         R"({"id":1e300,"type":"UDP","configuration":{"port":1}})",
         R"({"id":18446744073709551615,"type":"UDP","name":7,"description":{},"configuration":{"port":1.5}})"}) {
      CAPTURE(text);
      Options options;
      options.existing = {"product"};
      const auto out = import(text, options);
      REQUIRE(out.has_value());
      CHECK(faults_of(*out).empty());
      CHECK((out->left_out == 1 || out->documents.size() == 1));
    }
  }

  TEST_CASE("--kind says what the objects are; without it a file of which nothing is known is an error") {
    const std::string text = R"({"id":"1","provider":"x","type":"UDP","channel":"c","configuration":{"port":1}})";
    const auto unknown = import(text);
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == Errc::invalid);
    CHECK(unknown.error().message.find("gateway or network") != std::string::npos);
    CHECK(unknown.error().hint.find("--kind") != std::string::npos);
    Options options;
    options.kind = model::find_kind("network");
    CHECK(document_of(*import(text, options), "network", "1").is_object());
    const auto mixed = import("[" + text + "," + kNetwork + "]");
    REQUIRE(mixed.has_value());
    CHECK(mixed->documents.size() == 1);
    CHECK(mixed->left_out == 1);
    CHECK(says(*mixed, "object 1: not carried: could be gateway or network"));
  }

  TEST_CASE("the samples come over, valid and in the order of dependence") {
    std::vector<File> files;
    for (const char* name : {"devices.jsonl", "products.json", "gateways.json", "protocols.json", "networks.json"})
      files.push_back({name, sample(name)});
    const auto out = convert(std::move(files), {});
    REQUIRE(out.has_value());
    CHECK(faults_of(*out).empty());
    std::string order;
    for (const auto& document : out->documents) order += document.at("kind").as_string().front();
    CHECK(order == "nnnnpggpppddddd");
    CHECK(out->left_out == 3);
    const auto old = convert({{"site-1x.json", sample("site-1x.json")}}, {});
    REQUIRE(old.has_value());
    CHECK(old->left_out == 0);
    CHECK(old->documents.size() == 7);
    CHECK(faults_of(*old).empty());
  }
}
