// What files may look like.
#include "cli/import/source.hpp"
#include "cli/import/ids.hpp"
#include "cli/import/recognise.hpp"
#include "common/base/words.hpp"

#include "import_support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli::jetlinks;

namespace {

constexpr const char* kObject = R"({"id":"p","name":"产品","messageProtocol":"x"})";

std::size_t objects_of(const std::string& text) {
  std::vector<Note> notes;
  const auto sources = take_apart("x.json", text, notes);
  return sources ? sources->size() : 0;
}

std::string error_of(const std::string& text) {
  std::vector<Note> notes;
  const auto sources = take_apart("x.json", text, notes);
  return sources ? "" : sources.error().message;
}

std::string kind_of(const std::string& text) {
  const auto kind = recognise(json::parse(text).as_object());
  return kind ? (*kind)->name : kind.error().message;
}

}  // namespace

TEST_SUITE("cli.import") {
  TEST_CASE("an object, a list, JSON Lines, an answer of REST and a page are the same objects") {
    const std::string one = kObject;
    struct Row {
      const char* what;
      std::string text;
      std::size_t objects;
    };
    const std::vector<Row> rows{
        {"an object", one, 1},
        {"a list", "[" + one + "," + one + "]", 2},
        {"JSON Lines", one + "\n" + one + "\n\n", 2},
        {"a byte order mark", "\xEF\xBB\xBF" + one, 1},
        {"an answer", R"({"message":"success","result":)" + one + R"(,"status":200,"timestamp":1})", 1},
        {"an answer with a list", R"({"result":[)" + one + R"(],"status":200})", 1},
        {"a page", R"({"pageIndex":0,"pageSize":12,"total":2,"data":[)" + one + "," + one + "]}", 2},
        {"an answer with a page",
         R"({"result":{"pageIndex":0,"pageSize":12,"total":1,"data":[)" + one + R"(]},"status":200})", 1},
        {"several answers", R"({"result":)" + one + R"(,"status":200})" + "\n" + one, 2},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      CHECK(error_of(row.text).empty());
      CHECK(objects_of(row.text) == row.objects);
    }
  }

  TEST_CASE("a page that is not the last one is said to be a part") {
    std::vector<Note> notes;
    const auto text = R"({"pageIndex":0,"pageSize":1,"total":40,"data":[)" + std::string(kObject) + "]}";
    CHECK(take_apart("x.json", text, notes)->size() == 1);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].reason.find("1 of 40") != std::string::npos);
    CHECK(notes[0].severity == Severity::warning);
  }

  TEST_CASE("an object that only happens to have a result or data is left as it is") {
    CHECK(kind_of(R"({"id":"1","productId":"p","result":{"id":"2"}})") == "device");
    std::vector<Note> notes;
    const auto sources = take_apart("x.json", R"({"id":"1","productId":"p","data":[{}]})", notes);
    REQUIRE(sources.has_value());
    CHECK(sources->at(0).object.at("id") == "1");
  }

  TEST_CASE("what is not an export is refused with what it is") {
    struct Row {
      std::string text;
      const char* part;
    };
    std::string deep;
    for (int i = 0; i < 5000; ++i) deep += R"({"result":)";
    const std::vector<Row> rows{
        {"", "is empty"},
        {" \n\t", "is empty"},
        {"PK\x03\x04"
         "rest",
         "spreadsheet"},
        {"\xD0\xCF\x11\xE0"
         "rest",
         "spreadsheet"},
        {"id,name\n1,2\n", "not JSON"},
        {R"({"id":)", "is not understood"},
        {R"({"id":1} trailing)", "is not understood"},
        {R"({"id":1,"id":2})", "is not understood"},
        {"[1,2]", "must be an object or a list of objects"},
        {R"({"result":[1],"status":200})", "something else than objects"},
        {"[]", "holds no object"},
        {R"({"result":[],"status":200})", "holds no object"},
        {R"({"message":"没有权限","status":403,"code":"access_denied"})", "没有权限"},
        {deep, "is not understood"},
        {"{\"a\":\"\xFF\"}", "is not understood"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text.substr(0, 40));
      CHECK(error_of(row.text).find(row.part) != std::string::npos);
    }
  }

  TEST_CASE("too much is told as such, not read") {
    std::vector<Note> notes;
    text::ManifestLimits limits;
    limits.nodes = 100;
    std::string text = "[";
    for (int i = 0; i < 100; ++i) text += std::string(i ? "," : "") + kObject;
    const auto sources = take_apart("x.json", text + "]", notes, limits);
    REQUIRE_FALSE(sources.has_value());
    CHECK(sources.error().code == Errc::too_large);
  }

  TEST_CASE("an object is known by the fields that only its kind has") {
    struct Row {
      const char* text;
      const char* kind;
    };
    for (const Row& row : std::vector<Row>{
             {R"({"id":"1","productId":"p","deviceType":"device","accessId":"g"})", "device"},
             {R"({"id":"1","deviceType":"device","metadata":"{}"})", "product"},
             {R"({"id":"1","messageProtocol":"x","transportProtocol":"MQTT"})", "product"},
             {R"({"id":"1","provider":"mqtt-server-gateway","channelId":"n"})", "gateway"},
             {R"({"id":"1","provider":"tcp-server-gateway","networkId":"n"})", "gateway"},
             {R"({"id":"1","type":"MQTT_SERVER","configuration":{}})", "network"},
             {R"({"id":"1","type":{"value":"udp","text":"UDP"}})", "network"},
             {R"({"id":"1","type":"TCP_CLIENT"})", "network"},
             {R"({"id":"1","type":"jar","configuration":{}})", "protocol"},
             {R"({"id":"1","type":{"value":"local"}})", "protocol"},
             {R"({"id":"1","configs":{}})", "cert"},
             {R"({"id":"1","instance":{"value":"PFX"}})", "cert"},
             {R"({"id":"1","type":"UDP","provider":"x","channel":"network"})", "could be gateway or network"},
             {R"({"id":"1","type":"jar","productId":"p"})", "could be device or protocol"},
             {R"({"id":"1","provider":"email","type":"embed"})", "has the fields of no kind that can be imported"},
             {R"({"kind":"network","id":"1","spec":{}})", "is a manifest of jlinkd, not an export of JetLinks"},
         }) {
      CAPTURE(row.text);
      CHECK(kind_of(row.text) == row.kind);
    }
  }

  TEST_CASE("an id that is not legal here becomes one that is, the same each time and different for each") {
    CHECK(legal_id("network", "1702931234567890001") == "1702931234567890001");
    CHECK(legal_id("network", "a b") == legal_id("network", "a b"));
    CHECK(legal_id("network", "a b") != legal_id("network", "a/b"));
    CHECK(legal_id("gateway", "网关").starts_with("gateway-"));
    CHECK(legal_id("gateway", "网关") != legal_id("gateway", "网"));
    for (const std::string& odd : {std::string("网关"), std::string("-44-5-"), std::string("a b"),
                                   std::string(500, 'x'), std::string("\0\x01", 2), std::string("../../etc/passwd")}) {
      CHECK(is_valid_id(legal_id("gateway", odd)));
    }
    CHECK(variable_for("network", "mqtt-1.b", "password") == "JETLINKS_NETWORK_MQTT_1_B_PASSWORD");
  }

  TEST_CASE("many notes of one family are a few lines, of different ones a line each") {
    std::vector<Note> notes;
    for (int i = 0; i < 1000; ++i) notes.push_back({"f", "device/" + std::to_string(i), "x", "dropped"});
    notes.push_back({"f", "device/1", "y", "dropped"});
    const auto out = lines_of(notes);
    REQUIRE(out.size() == 7);
    CHECK(out[5] == "f: 995 more of kind device: x: dropped");
    CHECK(out[6] == "f: device/1: y: dropped");
    CHECK(lines_of({notes.begin(), notes.begin() + 6}).size() == 6);
  }

  TEST_CASE("control characters of a file do not reach a terminal") {
    CHECK(tellable("a\x1B[31mb\n") == "a?[31mb?");
    CHECK(tellable(std::string(1000, 'x')).size() == 303);
    CHECK(is_printable_utf8(tellable(std::string(299, 'x') + "网")));
  }
}
