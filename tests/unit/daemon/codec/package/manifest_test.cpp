// protocol.json: what it may say, and how everything else is refused, with its place in the file.
#include "daemon/codec/package/manifest.hpp"
#include "daemon/codec/package/json_file.hpp"
#include "daemon/codec/package/route_check.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace jl::codec::package {
namespace {

using Lines = std::vector<std::string>;

Files files_of(std::string manifest) {
  return {{"protocol.json", std::move(manifest)},
          {"main.js", ""},
          {"tcp.js", ""},
          {"docs/tcp.md", "# TCP\n"},
          {"thing-model.json", R"({"properties":[]})"}};
}

// protocol.json with one transport, as it stands between its braces.
std::string with_transport(const std::string& transport) {
  return R"({"id":"meter","transports":[{)" + transport + "}]}";
}

Lines lines_of(const Result<Manifest>& result) {
  Lines out;
  if (result) return out;
  for (const Problem& problem : result.error().problems) out.push_back(line_of(problem));
  return out;
}

Lines problems(std::string manifest) { return lines_of(read_manifest(files_of(std::move(manifest)))); }

// The same without places: field and message.
Lines problems_of_transport(const std::string& transport) {
  Lines out;
  for (std::string& line : problems(with_transport(transport))) out.push_back(line.substr(line.find(": ") + 2));
  return out;
}

TransportDescriptor read_transport(const std::string& transport) {
  const auto manifest = read_manifest(files_of(with_transport(transport)));
  REQUIRE_MESSAGE(manifest.has_value(), (manifest ? "" : manifest.error().message));
  return manifest->descriptor.transports.at(0);
}

}  // namespace

TEST_SUITE("codec.package.manifest") {
  TEST_CASE("everything that protocol.json can say arrives in the descriptor [access 4.1]") {
    const auto result = read_manifest(files_of(R"({
      "$schema": "x", "id": "meter", "name": "Meter 电表", "description": "d", "version": "1.2.0", "main": "./main.js",
      "features": ["supportFirmware"],
      "transports": [
        {"transport": "TCP", "main": "tcp.js", "document": "docs/tcp.md", "metadata": "thing-model.json",
         "framing": {"parserType": "LENGTH_FIELD", "parserConfiguration": {"offset": 1, "length": 2}},
         "features": ["selfManageState"],
         "config": [{"property": "key", "name": "Key", "description": "its key", "type": "password", "required": true,
                     "scopes": ["device"]},
                    {"key": "mode", "type": "enum", "enum": ["a", "b"], "default": "b"}]},
        {"id": "mqtt", "auth": false, "document": "https://example.org/mqtt", "metadata": {"events": []},
         "routes": [{"topic": "/{productId:产品ID}/{deviceId}/up", "upstream": true, "qos": 0, "group": "g",
                     "description": "d", "example": "{}"},
                    {"topic": "/{p}/{d}/down/{#:any}", "downstream": true}, {"topic": "a/+/#"}]},
        {"transport": "http", "codec": true, "routes": [{"address": "/up/{id}", "methods": ["put", "POST"]},
                                                        {"address": "/x"}]}]
    })"));
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message));
    const Descriptor& d = result->descriptor;
    CHECK(d.id == "meter");
    CHECK(d.name == "Meter 电表");
    CHECK(d.version == "1.2.0");
    CHECK(d.transport_names() == Lines{"TCP", "MQTT", "HTTP"});
    CHECK(result->modules == Lines{"main.js", "tcp.js"});
    const auto entry = [&](Transport t) { return result->entries.at(static_cast<std::size_t>(t)); };
    CHECK(entry(Transport::tcp).module == "tcp.js");
    CHECK(entry(Transport::tcp).auth);
    CHECK(entry(Transport::mqtt).module == "main.js");
    CHECK_FALSE(entry(Transport::mqtt).auth);

    const auto keys = d.config_keys("tcp");
    REQUIRE(keys.size() == 2);
    CHECK(keys[0].key == "key");
    CHECK(keys[0].type == "password");
    CHECK(keys[0].required);
    CHECK_FALSE(keys[0].product_scope);
    CHECK(keys[0].device_scope);
    CHECK(keys[1].key == "mode");
    CHECK(keys[1].name == "mode");
    CHECK(keys[1].product_scope);
    CHECK(keys[1].words == Lines{"a", "b"});
    CHECK(keys[1].default_value == "b");

    const auto routes = d.routes("MQTT");
    REQUIRE(routes.size() == 3);
    CHECK(routes[0].topic == "/{productId:产品ID}/{deviceId}/up");
    CHECK((routes[0].upstream && !routes[0].downstream && routes[0].qos == 0));
    CHECK((!routes[1].upstream && routes[1].downstream && routes[1].qos == 1));
    CHECK((routes[2].upstream && !routes[2].downstream));
    const auto http = d.routes("HTTP");
    REQUIRE(http.size() == 3);
    CHECK(http[0].method == "PUT");
    CHECK(http[1].method == "POST");
    CHECK(http[2].method == "POST");
    CHECK(http[1].topic == http[0].topic);

    CHECK(d.document("TCP") == "# TCP\n");
    CHECK(d.document("MQTT") == "https://example.org/mqtt");
    CHECK(d.document("CoAP").empty());
    CHECK(d.find(Transport::tcp)->metadata == R"({"properties":[]})");
    CHECK(d.find("MQTT")->metadata == R"({"events":[]})");
    CHECK(d.find(Transport::tcp)->framing ==
          R"({"parserType":"LENGTH_FIELD","parserConfiguration":{"offset":1,"length":2}})");
    CHECK(d.has_feature("supportFirmware", Transport::http));
    CHECK(d.has_feature("selfManageState", Transport::tcp));
    CHECK_FALSE(d.has_feature("selfManageState", Transport::http));
    CHECK(d.find(Transport::coap) == nullptr);
    CHECK(d.find("telnet") == nullptr);
  }

  TEST_CASE("descriptors in JetLinks' spelling are understood [access 4.1]") {
    const auto tcp =
        read_transport(R"("id":"TCP","name":"TCP","features":[{"id":"supportFirmware","name":"OTA"}],"config":[
      {"property":"n","name":"N","type":{"id":"int"},"expands":{"required":true,"defaultValue":7,"other":1}},
      {"property":"e","type":{"id":"enum","elements":[{"value":"1","text":"one"},{"value":2,"text":"two"}]},
       "expands":{"defaultValue":2}},
      {"property":"b","type":{"id":"boolean"},"default":true}])");
    REQUIRE(tcp.config_keys.size() == 3);
    CHECK(tcp.config_keys[0].type == "int");
    CHECK(tcp.config_keys[0].required);
    CHECK(tcp.config_keys[0].default_value == "7");
    CHECK(tcp.config_keys[1].words == Lines{"1", "2"});
    CHECK(tcp.config_keys[1].default_value == "2");
    CHECK(tcp.config_keys[2].default_value == "true");
    CHECK(tcp.features == Lines{"supportFirmware"});
  }

  TEST_CASE("all problems come together, each with its line and column") {
    const auto result =
        read_manifest(files_of("{\n"
                               "  \"id\": \"my meter\",\n"
                               "  \"versoin\": \"1\",\n"
                               "  \"features\": [\"supportFirmwares\"],\n"
                               "  \"transports\": [\n"
                               "    {\"transport\": \"TPC\"},\n"
                               "    {\"transport\": \"MQTT\",\n"
                               "     \"routes\": [{\"topic\": \"a/#/b\"}]},\n"
                               "    {\"transport\": \"HTTP\"}\n"
                               "  ]\n"
                               "}\n"));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::invalid);
    CHECK(
        lines_of(result) ==
        Lines{"protocol.json:2:3: id: \"my meter\" is not an id: letters, digits, \".\", \"_\" and \"-\", at most 64",
              "protocol.json:3:3: versoin: unknown field; did you mean \"version\"?",
              "protocol.json:4:16: features[0]: \"supportFirmwares\" is no feature; did you mean \"supportFirmware\"?",
              "protocol.json:6:6: transports[0].transport: \"TPC\" is none of MQTT, TCP, UDP, HTTP, WebSocket, CoAP; "
              "did you mean \"TCP\"?",
              "protocol.json:8:18: transports[1].routes[0].topic: \"#\" stands for the rest and must come last",
              "protocol.json:9:5: transports[2]: HTTP needs routes: the topics or URLs that its devices use; without "
              "them nothing reaches it"});
    const std::string& message = result.error().message;
    CHECK(message.starts_with("protocol.json:2:3: id: "));
    CHECK(message.ends_with("(and 3 more)"));
  }

  TEST_CASE("what is not JSON, or says a thing twice, is refused where it stands") {
    CHECK(problems("{\n  \"id\": }") == Lines{"protocol.json:2:9: not JSON: syntax error"});
    CHECK(problems("").size() == 1);
    CHECK(problems("[]") == Lines{"protocol.json:1:1: must be an object"});
    CHECK(problems("{} {}") == Lines{"protocol.json:1:4: not JSON: something stands behind the value"});
    CHECK(problems("{\"id\":\"a\",\n \"id\":\"b\"}") == Lines{"protocol.json:2:2: id: stands twice"});
    CHECK(problems("{\"transports\":[{\"routes\":[{},{\"x\":1,\"y\":2,\n\"x\":3}]}]}") ==
          Lines{"protocol.json:2:1: transports[0].routes[1].x: stands twice"});
    CHECK(problems("\"\xFF\"").size() == 1);
    CHECK(problems(std::string(40, '[') + std::string(40, ']')).size() == 1);
    CHECK(problems(std::string(kMaxJsonFile + 1, ' ')) ==
          Lines{"protocol.json:1:1: is larger than 1 MiB, the most for a JSON file"});
    CHECK(lines_of(read_manifest({})) == Lines{"protocol.json:1:1: there is no such file in the package"});
    CHECK(read_manifest(files_of("\xEF\xBB\xBF" + with_transport(R"("transport":"TCP")"))).has_value());
  }

  TEST_CASE("a long key over a long list costs its length once") {
    std::string text = "{\"" + std::string(500'000, 'k') + "\":[0";
    for (int i = 0; i < 200'000; ++i) text += ",0";
    CHECK_FALSE(problems(text + "]}").empty());
  }

  TEST_CASE("required parts, empty lists and lists that are none are told") {
    CHECK(problems("{}") == Lines{"protocol.json:1:1: id: is required", "protocol.json:1:1: transports: is required"});
    CHECK(problems(R"({"id":"a","transports":[]})") ==
          Lines{"protocol.json:1:11: transports: is empty; name at least one transport"});
    CHECK(problems(R"({"id":"a","transports":"[]"})").size() >= 1);
    CHECK(problems(R"({"id":"a","transports":[1]})") == Lines{"protocol.json:1:25: transports[0]: must be an object"});
    CHECK(problems(R"({"id":"a","transports":{"TCP":{}}})").size() == 1);
    CHECK(problems(R"({"id":"a","transports":[{"transport":"TCP"},{"transport":"tcp"}]})") ==
          Lines{"protocol.json:1:46: transports[1].transport: TCP stands twice"});
    CHECK(problems(R"({"id":"a","transports":[{}]})").size() == 1);
    for (const char* transport : {"MQTT", "HTTP", "WebSocket", "CoAP"}) {
      CAPTURE(transport);
      CHECK(problems_of_transport(R"("transport":")" + std::string(transport) + "\"").size() == 1);
    }
    for (const char* transport : {"TCP", "UDP"})
      CHECK(problems_of_transport(R"("transport":")" + std::string(transport) + "\"").empty());
  }

  TEST_CASE("entry modules must be modules of the package; one that is missing is told once") {
    CHECK(problems_of_transport(R"("transport":"TCP","main":"tpc.js")") ==
          Lines{"transports[0].main: there is no file \"tpc.js\" in the package; did you mean \"tcp.js\"?"});
    CHECK(problems_of_transport(R"("transport":"TCP","main":"docs/tcp.md")") ==
          Lines{"transports[0].main: \"docs/tcp.md\" is not a module: its name must end in .js or .mjs"});
    Files files = files_of(R"({"id":"a","transports":[{"transport":"TCP"},{"transport":"UDP"}]})");
    files.erase("main.js");
    files.erase("tcp.js");
    CHECK(lines_of(read_manifest(files)) ==
          Lines{"protocol.json:1:1: main: there is no file \"main.js\" in the package"});
  }

  TEST_CASE("configuration keys: types, words, defaults, scopes") {
    struct Row {
      const char* key;
      const char* problem;
    };
    const Row rows[]{
        {R"({"property":"a"})", ""},
        {R"({})", "property: is required"},
        {R"({"property":"a b"})", "property: \"a b\" is not a key: letters, digits, \".\", \"_\" and \"-\""},
        {R"({"property":"a","type":"passwort"})",
         "type: \"passwort\" is none of string, password, enum, boolean, int, long, float, double; did you mean "
         "\"password\"?"},
        {R"({"property":"a","type":"enum"})", "enum: is required when type is enum: the words that are legal"},
        {R"({"property":"a","enum":["x"]})", "enum: is only for the type enum"},
        {R"({"property":"a","type":"enum","enum":["x","x"]})", "enum[1]: stands twice"},
        {R"({"property":"a","type":"enum","enum":["x"],"default":"y"})",
         "default: \"y\" is not a value of the key's type"},
        {R"({"property":"a","type":"int","default":"1.5"})", "default: \"1.5\" is not a value of the key's type"},
        {R"({"property":"a","type":"double","default":1.5})", ""},
        {R"({"property":"a","type":"boolean","default":"yes"})", "default: \"yes\" is not a value of the key's type"},
        {R"({"property":"a","scopes":["devices"]})", "scopes[0]: \"devices\" is none of product, device"},
        {R"({"property":"a","requird":true})", "requird: unknown field; did you mean \"required\"?"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.key);
      const auto found = problems_of_transport(R"("transport":"TCP","config":[)" + std::string(row.key) + "]");
      const std::string expected = *row.problem ? "transports[0].config[0]." + std::string(row.problem) : "";
      CHECK((found.empty() ? std::string() : found[0]) == expected);
      CHECK(found.size() <= 1);
    }
    CHECK(problems_of_transport(R"("transport":"TCP","config":[{"property":"a"},{"property":"a"}])") ==
          Lines{"transports[0].config[1].property: \"a\" stands twice"});
  }

  TEST_CASE("topics: placeholders and wildcards are whole levels, the rest comes last [MQTT-4.7.1]") {
    const char* good[]{"a",     "/a/b", "+",  "#",      "/{p:产品}/{d}/x", "{#:all}",
                       "a/{#}", "a//b", "a/", "$SYS/x", "a/+/#",           "a b/c"};
    for (const char* topic : good) {
      CAPTURE(topic);
      CHECK(topic_problem(topic, false) == "");
    }
    const char* bad[]{"a/#/b", "a#",       "a/b+",  "{#:all}/x", "{d",         "d}",   "x{d}",
                      "{}",    "{:label}", "{a+b}", "{{d}}",     "$share/g/a", "a\tb", "\xFF"};
    for (const char* topic : bad) {
      CAPTURE(topic);
      CHECK(topic_problem(topic, false) != "");
    }
    for (const char* path : {"a/b", "", "/a?x=1", "/a b"}) {
      CAPTURE(path);
      CHECK(topic_problem(path, true) != "");
    }
    CHECK(topic_problem("/a/{id}/socket", true) == "");
  }

  TEST_CASE("routes: one address, a direction, methods of the transport, nothing twice") {
    struct Row {
      const char* transport;
      const char* routes;
      const char* problem;
    };
    const Row rows[]{
        {"MQTT", R"([{}])", "[0]: has no topic"},
        {"HTTP", R"([{}])", "[0]: has no address"},
        {"MQTT", R"([{"topic":"a","path":"b"}])", "[0]: has more than one of topic, address and path"},
        {"MQTT", R"([{"topic":"a","upstream":false}])", "[0]: is neither upstream nor downstream"},
        {"MQTT", R"([{"topic":"a","upstream":false,"downstream":false}])", "[0]: is neither upstream nor downstream"},
        {"MQTT", R"([{"topic":"a","qos":3}])", "[0].qos: 3 is out of range; 0 to 2"},
        {"HTTP", R"([{"address":"/a","qos":1}])", "[0].qos: only MQTT has it"},
        {"MQTT", R"([{"topic":"a","method":"POST"}])", "[0].method: only HTTP and CoAP have methods"},
        {"HTTP", R"([{"address":"/a","method":"POTS"}])",
         "[0].method: \"POTS\" is none of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"},
        {"CoAP", R"([{"address":"/a","method":"fetch"}])", ""},
        {"MQTT", R"([{"topic":"a/{x}"},{"topic":"a/+"}])", "[1].topic: matches the same as the route \"a/{x}\""},
        {"MQTT", R"([{"topic":"a/{x}"},{"topic":"a/{x}","downstream":true}])", ""},
        {"HTTP", R"([{"address":"/a","methods":["GET","get"]}])", "[0].address: matches the same as the route \"/a\""},
        {"WebSocket", R"([{"path":"/{p}/{d}/socket"}])", ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.routes);
      const auto found =
          problems_of_transport("\"transport\":\"" + std::string(row.transport) + "\",\"routes\":" + row.routes);
      CHECK(found.size() <= 1);
      const std::string expected = *row.problem ? "transports[0].routes" + std::string(row.problem) : "";
      CHECK((found.empty() ? std::string() : found[0]) == expected);
    }
  }

  TEST_CASE("lists and files have limits") {
    std::string routes = R"("transport":"MQTT","routes":[)";
    for (int i = 0; i < 256; ++i) routes += (i ? "," : "") + std::string(R"({"topic":"t)") + std::to_string(i) + "\"}";
    CHECK(problems_of_transport(routes + "]").empty());
    CHECK(problems_of_transport(routes + R"(,{"topic":"more"}])") ==
          Lines{"transports[0].routes: has 257 entries; at most 256"});
    std::string keys = R"("transport":"TCP","config":[)";
    for (int i = 0; i < 65; ++i) keys += (i ? "," : "") + std::string(R"({"key":"k)") + std::to_string(i) + "\"}";
    CHECK(problems_of_transport(keys + "]") == Lines{"transports[0].config: has 65 entries; at most 64"});

    Files files = files_of(with_transport(R"("transport":"TCP","document":"docs/tcp.md")"));
    files["docs/tcp.md"] = std::string((64u << 10u) + 1, 'x');
    CHECK(lines_of(read_manifest(files)).size() == 1);
    files["docs/tcp.md"] = "\x1b[31mred";
    CHECK(lines_of(read_manifest(files)).size() == 1);
    files["docs/tcp.md"] = std::string(64u << 10u, 'x');
    CHECK(read_manifest(files).has_value());
    CHECK(problems_of_transport(R"("transport":"TCP","document":"docs/none.md")").size() == 1);
    CHECK(problems_of_transport(R"("transport":"TCP","document":"main.js")").size() == 1);
    CHECK(problems_of_transport(R"("transport":"TCP","document":"http://a b")").size() == 1);
  }

  TEST_CASE("thing models are checked, and problems name the file that they are in") {
    CHECK(problems_of_transport(R"("transport":"TCP","metadata":{"propertys":[]})") ==
          Lines{"transports[0].metadata.propertys: unknown field; did you mean \"properties\"?"});
    CHECK(problems_of_transport(R"("transport":"TCP","metadata":"none.json")").size() == 1);
    CHECK(problems_of_transport(R"("transport":"TCP","metadata":[])").size() == 1);
    Files files = files_of(with_transport(R"("transport":"TCP","metadata":"thing-model.json")"));
    files["thing-model.json"] = "{\"properties\":[\n  {\"id\":\"t\",\"valueType\":{\"type\":\"flaot\"}}]}";
    const Lines lines = lines_of(read_manifest(files));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("thing-model.json:2:"));
    files["thing-model.json"] = "{";
    CHECK(lines_of(read_manifest(files)) == Lines{"thing-model.json:1:2: not JSON: incomplete JSON"});
  }

  TEST_CASE("framing is a hint of TCP, checked as the network component would") {
    CHECK(problems_of_transport(R"("transport":"UDP","framing":{"parserType":"DIRECT"})") ==
          Lines{"transports[0].framing: only TCP has it: other transports have messages"});
    CHECK(problems_of_transport(R"("transport":"TCP","framing":{"parserType":"LENGHT_FIELD"})").size() == 1);
    CHECK(problems_of_transport(R"("transport":"TCP","framing":{"parserConfiguration":{"offset":-1}})").size() == 1);
    CHECK(read_transport(R"("transport":"TCP")").framing.empty());
  }
}
}  // namespace jl::codec::package
