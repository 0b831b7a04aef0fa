// Points of a channel as CSV: reading, writing, and the import and export that use them.
#include "cli/points_csv.hpp"
#include "common/model/resource.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>

using namespace jl;
using namespace jl::cli;
using namespace jl::cli::test;

namespace {

Result<std::vector<PointRow>> read(std::string_view text) { return read_points(text, "points.csv", "plc-1"); }

// "2 address" for each problem: its line and column.
std::vector<std::string> places(std::string_view text) {
  std::vector<std::string> out;
  const auto rows = read(text);
  if (rows) return out;
  for (const Problem& problem : rows.error().problems) {
    REQUIRE(problem.position.has_value());
    CHECK(problem.position->file == "points.csv");
    CHECK(!problem.message.empty());
    out.push_back(std::to_string(problem.position->line) + (problem.field.empty() ? "" : " ") + problem.field);
  }
  return out;
}

using Places = std::vector<std::string>;

std::string joined(const Places& all) {
  std::string out;
  for (const std::string& one : all) out += (out.empty() ? "" : ", ") + one;
  return out;
}

// The document that the daemon would list.
json::object listed(const json::object& document) {
  std::vector<Problem> problems;
  const auto resource = model::read_resource(*model::find_kind("modbus-point"), document, problems);
  REQUIRE(problems.empty());
  return model::to_document(resource);
}

json::object summary(int created, int updated, const char* result = "applied") {
  return {{"result", result},
          {"revision", 9},
          {"changes", json::array{json::object{
                          {"kind", "modbus-point"}, {"id", "a"}, {"result", "created"}, {"fields", json::array()}}}},
          {"summary", json::object{{"created", created}, {"updated", updated}, {"unchanged", 0}, {"deleted", 0}}}};
}

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_SUITE("cli.points_csv") {
  TEST_CASE("columns go by the keys of fields or by jlctl's flags, in any case") {
    const auto rows = read(
        "ID, Name ,UNIT,function,address,scale,Decimals,CHANGED-ONLY,enabled,collectState,\r\n"
        "t1,Boiler 1, 3 ,holding,40108,0.1,1,TRUE,false,running,\r\n"
        "\r\n"
        "t2,,,,0x10,,,,,,\r\n");
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == 2);
    CHECK(rows->at(0).line == 2);
    CHECK(rows->at(0).document == json::object{{"kind", "modbus-point"},
                                               {"id", "t1"},
                                               {"name", "Boiler 1"},
                                               {"enabled", "false"},
                                               {"spec", json::object{{"unitId", "3"},
                                                                     {"function", "holding"},
                                                                     {"address", "40108"},
                                                                     {"scaleFactor", "0.1"},
                                                                     {"decimals", "1"},
                                                                     {"changedOnly", "TRUE"},
                                                                     {"channelId", "plc-1"}}}});
    CHECK(rows->at(1).line == 4);
    CHECK(rows->at(1).document == json::object{{"kind", "modbus-point"},
                                               {"id", "t2"},
                                               {"spec", json::object{{"address", "0x10"}, {"channelId", "plc-1"}}}});
  }

  TEST_CASE("tables of spreadsheets: semicolons, tabs, quotes, a byte order mark") {
    for (const char* text : {"id;address\na;1\n", "id\taddress\na\t1\n", "\xEF\xBB\xBFid,address\na,1",
                             "\"id\",\"address\"\n\"a\",\"1\"\n"}) {
      CAPTURE(text);
      const auto rows = read(text);
      REQUIRE(rows.has_value());
      REQUIRE(rows->size() == 1);
      CHECK(rows->at(0).document.at("id") == "a");
    }
    const auto quoted = read("id,address,description\na,1,\"one, \"\"two\"\"\nthree\"\nb,2,\n");
    REQUIRE(quoted.has_value());
    CHECK(quoted->at(0).document.at("description") == "one, \"two\"\nthree");
    CHECK(quoted->at(1).line == 4);
  }

  TEST_CASE("columns that are wrong are told once, with line 1 and the nearest name") {
    struct Row {
      const char* text;
      Places places;
    };
    for (const Row& row : {Row{"id,adress\na,1\n", {"1 adress", "1 address"}},
                           Row{"id,address,colour,intervall\na,1,,\n", {"1 colour", "1 intervall"}},
                           Row{"id,address,unit,unitId\na,1,1,1\n", {"1 unitId"}}, Row{"id,name\na,b\n", {"1 address"}},
                           Row{"address\n1\n", {"1 id"}}, Row{"\nid,adress,address\na,1,1\n", {"2 adress"}}}) {
      CAPTURE(std::string(row.text));
      CHECK(joined(places(row.text)) == joined(row.places));
    }
    const auto near = read("id,adress\n");
    REQUIRE(near.has_error());
    CHECK(near.error().problems.at(0).message.find("\"address\"") != std::string::npos);
    CHECK(near.error().problems.at(0).code == Errc::unknown_field);
  }

  TEST_CASE("everything that is wrong with any row is told, with its line and column [cli.md 26]") {
    struct Row {
      const char* rows;  // below id,name,address,type,interval,enabled,
      Places places;
    };
    for (const Row& row :
         {Row{"a,,1,,,,\nb,,x,float23,5,,\n", {"3 type", "3 address", "3 interval"}},
          Row{"a,,1,,,maybe,\n", {"2 enabled"}}, Row{"a,,,,,,\n", {"2 address"}}, Row{"a b,,1,,,,\n", {"2 id"}},
          Row{",,1,,,,\n", {"2 id"}}, Row{"a,,1,,,,oops\n", {"2"}}, Row{"a,,1,,,,,oops\n", {"2"}},
          Row{"a,,1,,,,,\n", {}}, Row{"a\n", {"2 address"}}, Row{"a,,1,,,,\nb,,2,,,,\na,,3,,,,\n", {"4 id"}},
          Row{"a,,1,bit,,,\n", {"2 bit"}}, Row{"a,,65536,,,,\n", {"2 address"}}}) {
      CAPTURE(std::string(row.rows));
      CHECK(joined(places(std::string("id,name,address,type,interval,enabled,\n") + row.rows)) == joined(row.places));
    }
    const auto twice = read("id,address\na,1\na,2\n");
    REQUIRE(twice.has_error());
    CHECK(twice.error().problems.at(0).message.find("line 2") != std::string::npos);
    CHECK(twice.error().problems.at(0).object == "modbus-point/a");
    CHECK(read("").error().code == Errc::invalid);
    CHECK(read("id,address\n\"a,1\n").error().code == Errc::invalid);
    CHECK(read("id,address\n").value().empty());
  }

  TEST_CASE("a row without an id is called CHANNEL.NAME") {
    struct Row {
      const char* name;
      const char* id;  // "" = none can be made
    };
    for (const Row& row :
         {Row{"temp", "plc-1.temp"}, Row{"Boiler 1 (top)", "plc-1.Boiler-1-top"}, Row{"a__b..c", "plc-1.a__b..c"},
          Row{" x ", "plc-1.x"}, Row{"% load", "plc-1.load"}, Row{"温度", ""}, Row{"Temp é", ""}, Row{"!!!", ""},
          Row{"a-name-that-is-far-too-long-for-an-id-of-sixty-four-characters", ""}}) {
      CAPTURE(std::string(row.name));
      const auto rows = read(std::string("name,address\n") + row.name + ",1\n");
      CHECK(rows.has_value() == (row.id[0] != '\0'));
      if (rows) CHECK(rows->at(0).document.at("id") == json::value(row.id));
      if (!rows) CHECK(rows.error().problems.at(0).field == "id");
    }
    CHECK(places("name,address\nTemp 1,1\nTemp-1,2\n") == Places{"3 id"});
  }

  TEST_CASE("a column for the channel may only name this one") {
    CHECK(read("id,address,channel\na,1,plc-1\nb,2,\n").has_value());
    CHECK(places("id,address,channelId\na,1,plc-2\n") == Places{"2 channelId"});
  }

  TEST_CASE("problems of the daemon get their lines; those of other objects stay as they are") {
    const auto rows = read("id,address\na,1\nb,2\n");
    REQUIRE(rows.has_value());
    std::vector<Problem> problems{
        {"spec.address", "is taken", Errc::invalid, "modbus-point/b", {}},
        {"spec.channelId", "cannot change after creation", Errc::immutable_field, "modbus-point/a", {}},
        {"spec", "has too many points", Errc::invalid, "modbus-channel/plc-1", {}}};
    add_lines(*rows, "points.csv", problems);
    CHECK(problems[0].position == SourcePosition{"points.csv", 3, 0});
    CHECK(problems[0].field == "address");
    CHECK(problems[1].position == SourcePosition{"points.csv", 2, 0});
    CHECK(problems[1].message.find("another channel") != std::string::npos);
    CHECK(!problems[2].position);
    CHECK(problems[2].field == "spec");
  }

  TEST_CASE("what is exported is what is imported, columns of nothing but defaults are left out [cli.md 38]") {
    const std::vector<json::object> given{
        listed(
            {{"id", "a"}, {"spec", json::object{{"channelId", "plc-1"}, {"address", "40108"}, {"type", "float32"}}}}),
        listed({{"id", "b"},
                {"name", " two, \"quoted\""},
                {"description", "line 1\nline 2; 温度"},
                {"enabled", false},
                {"spec", json::object{{"channelId", "plc-1"},
                                      {"unitId", 7},
                                      {"function", "Coils"},
                                      {"address", "0x2710"},
                                      {"interval", 500},
                                      {"access", "read-write"}}}}),
        listed({{"id", "c"},
                {"spec", json::object{{"channelId", "plc-1"},
                                      {"address", 7},
                                      {"type", "int16"},
                                      {"scaleFactor", 0.1},
                                      {"offset", -1e-7},
                                      {"decimals", 2},
                                      {"order", "BA"},
                                      {"changedOnly", true},
                                      {"deadBand", 0.30000000000000004},
                                      {"deadBandType", "percent"},
                                      {"writeByteCount", true}}}})};
    const std::string text = write_points(given);
    CHECK(text.substr(0, text.find('\n')) ==
          "id,name,description,enabled,unitId,function,address,type,order,scaleFactor,offset,decimals,access,interval,"
          "changedOnly,deadBand,deadBandType");
    const auto rows = read(text);
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      CAPTURE(i);
      CHECK(listed(rows->at(i).document) == given[i]);
    }
    CHECK(write_points({}) == "id,name,description,enabled,unitId,function,address\n");
    CHECK(read(write_points({}))->empty());
  }

  TEST_CASE("every field of a point survives export and import, whatever its value") {
    // One point for each field, with the example, a legal word, or a number in its range.
    const auto& table = *model::find_kind("modbus-point")->spec;
    std::size_t tried = 0;
    for (const model::Field& field : table.fields) {
      if (field.ignored || field.key == "channelId") continue;
      CAPTURE(field.key);
      std::vector<json::value> values;
      for (const model::Word& word : field.words) values.emplace_back(word.word);
      if (field.type == model::Type::boolean) values = {true, false};
      if (field.type == model::Type::integer) values = {1, 2};
      if (field.type == model::Type::number) values = {0.25, 1e9, 3};
      if (field.key == "address") values = {5, "0x9C41", "40002"};
      for (const json::value& value : values) {
        json::object spec{{"channelId", "plc-1"}, {"address", 5}};
        spec[field.key] = value;
        std::vector<Problem> problems;
        const json::object document{{"id", "p"}, {"spec", spec}};
        static_cast<void>(model::read_resource(*model::find_kind("modbus-point"), document, problems));
        if (!problems.empty()) continue;  // needs other fields as well
        const auto rows = read(write_points({listed(document)}));
        REQUIRE(rows.has_value());
        CHECK(listed(rows->at(0).document) == listed(document));
        ++tried;
      }
    }
    CHECK(tried > 30);
  }
}

TEST_SUITE("cli.modbus_import") {
  TEST_CASE("import is one apply of all rows; the summary is that of apply [cli.md 35]") {
    const FakeDaemon daemon(
        {{"HEAD /v1/modbus-channels/plc-1", Reply{}},
         {"POST /v1/apply",
          lines({json::object{{"progress", json::object{{"phase", "checking"}, {"done", 1}, {"total", 2}}}},
                 summary(1, 0)})},
         {"POST /v1/apply?dryRun=true", lines({summary(1, 0, "planned")})}});
    const std::string file = daemon.folder().file("p.csv", "id,address\na,1\nb,2\n");
    const auto out = run(daemon, {"modbus", "point", "import", "plc-1", file});
    CHECK(out.code == 0);
    CHECK(out.out == "modbus-point/a\tcreated\n");
    const auto documents = daemon.requests().back().json().at("documents").as_array();
    REQUIRE(documents.size() == 2);
    CHECK(documents[1] ==
          json::value{{"kind", "modbus-point"}, {"id", "b"}, {"spec", {{"address", "2"}, {"channelId", "plc-1"}}}});
    Given terminal;
    terminal.err_is_tty = true;
    const auto noted = run(daemon, {"modbus", "point", "import", "modbus-channel/plc-1", file}, terminal);
    CHECK(noted.err.find("checking 1/2") != std::string::npos);
    CHECK(noted.err.find("1 created (revision 9)\n") != std::string::npos);
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1", file, "--exit-changed"}).code == 21);
    const auto document = run(daemon, {"modbus", "point", "import", "plc-1", file, "--json"});
    CHECK(json::parse(document.out).at("kind") == "applyResult");
    const auto plan = run(daemon, {"modbus", "point", "import", "plc-1", file, "--dry-run"});
    CHECK(plan.code == 20);
    CHECK(plan.out == "+ modbus-point/a\n");
    Given piped;
    piped.input = "id,address\na,1\n";
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1", "-"}, piped).code == 0);
  }

  TEST_CASE("a dry run of what is there already is 0") {
    const FakeDaemon daemon(
        {{"HEAD /v1/modbus-channels/plc-1", Reply{}},
         {"POST /v1/apply?dryRun=true", lines({json::object{{"result", "planned"},
                                                            {"summary", json::object{{"created", 0}, {"unchanged", 1}}},
                                                            {"changes", json::array()}}})}});
    const std::string file = daemon.folder().file("p.csv", "id,address\na,1\n");
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1", file, "--dry-run"}).code == 0);
  }

  TEST_CASE("a table with problems is refused whole before the daemon hears of it") {
    const FakeDaemon daemon(std::map<std::string, Reply>{});
    const std::string file = daemon.folder().file("p.csv", "id,address,type\na,1,float32\nb,x,float23\n");
    const auto out = run(daemon, {"modbus", "point", "import", "plc-1", file});
    CHECK(out.code == 5);
    CHECK(out.out.empty());
    CHECK(out.err.find(file + ":3: modbus-point/b: address: ") != std::string::npos);
    CHECK(out.err.find(file + ":3: modbus-point/b: type: ") != std::string::npos);
    CHECK(daemon.requests().empty());
    const auto structured = run(daemon, {"modbus", "point", "import", "plc-1", file, "--json"});
    const auto problems = json::parse(structured.err).at("error").at("problems").as_array();
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].at("position") == json::value{{"file", file}, {"line", 3}});
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1", "/nonexistent/x.csv"}).code == 2);
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1"}).code == 2);
    const auto unknown = run(
        daemon, {"modbus", "point", "import", "plc-1", daemon.folder().file("q.csv", "id,adress,address\na,1,1\n")});
    CHECK(unknown.code == 5);
    CHECK(unknown.err.find("q.csv:1: adress: ") != std::string::npos);
  }

  TEST_CASE("problems of the daemon come with file and line; a channel that is not there is not found") {
    Error error(Errc::immutable_field, "one problem");
    error.problems = {{"spec.channelId", "cannot change after creation", Errc::immutable_field, "modbus-point/b", {}}};
    json::object problem = json::parse(failure(error).body).as_object();
    const FakeDaemon daemon(
        {{"HEAD /v1/modbus-channels/plc-1", Reply{}}, {"POST /v1/apply", lines({json::object{{"error", problem}}})}});
    const std::string file = daemon.folder().file("p.csv", "id,address\na,1\nb,2\n");
    const auto out = run(daemon, {"modbus", "point", "import", "plc-1", file});
    CHECK(out.code == info(Errc::immutable_field).exit_code);
    CHECK(out.out.empty());
    CHECK(out.err.find(file + ":3: modbus-point/b: channelId: ") != std::string::npos);
    CHECK(run(daemon, {"modbus", "point", "import", "plc-2", file}).code == 3);
    CHECK(run({"modbus", "point", "import", "plc-1", file, "--socket", "/nonexistent/x"}).code == 7);
  }

  TEST_CASE("ten thousand rows are one call of moderate size [operations.md 2.5 11]") {
    std::string text = "name,description,unit,address,type,scale,interval\n";
    for (int i = 0; i < 10'000; ++i)
      text += "Point " + std::to_string(i) + ",what it measures," + std::to_string(1 + i % 200) + "," +
              std::to_string(i) + ",int16,0.1,1000\n";
    const FakeDaemon daemon(
        {{"HEAD /v1/modbus-channels/plc-1", Reply{}}, {"POST /v1/apply", lines({summary(10'000, 0)})}});
    const std::string file = daemon.folder().file("p.csv", text);
    const auto start = std::chrono::steady_clock::now();
    CHECK(run(daemon, {"modbus", "point", "import", "plc-1", file}).code == 0);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
    CHECK(daemon.requests().back().json().at("documents").as_array().size() == 10'000);
    CHECK(daemon.requests().back().body.size() < (4U << 20U));
  }

  TEST_CASE("export writes a channel's points to standard output or a file") {
    const json::object point =
        listed({{"id", "a"},
                {"name", "A"},
                {"spec", json::object{{"channelId", "plc-1"}, {"address", 5}, {"interval", 100}}}});
    const FakeDaemon daemon(
        {{"HEAD /v1/modbus-channels/plc-1", Reply{}}, {"GET /v1/modbus-points?channelId=plc-1", lines({point})}});
    const std::string expected =
        "id,name,description,enabled,unitId,function,address,interval\na,A,,true,1,HoldingRegisters,5,100\n";
    CHECK(run(daemon, {"modbus", "point", "export", "plc-1"}).out == expected);
    CHECK(daemon.requests().back().head.find("x-ndjson") != std::string::npos);
    const std::string file = daemon.folder().path() + "/out.csv";
    const auto out = run(daemon, {"modbus", "point", "export", "plc-1", "-f", file});
    CHECK(out.code == 0);
    CHECK(out.out.empty());
    CHECK(content(file) == expected);
    CHECK(run(daemon, {"modbus", "point", "export", "plc-1", "--file", "-"}).out == expected);
    CHECK(run(daemon, {"modbus", "point", "export", "plc-2"}).code == 3);
    CHECK(run(daemon, {"modbus", "point", "export", "plc-1", "-f", "/nonexistent/x"}).code == 1);
    for (const std::vector<std::string>& flags :
         std::vector<std::vector<std::string>>{{"--json"}, {"-o", "yaml"}, {"-q"}, {"--fields", "id"}}) {
      std::vector<std::string> words{"modbus", "point", "export", "plc-1"};
      words.insert(words.end(), flags.begin(), flags.end());
      CHECK(run(daemon, words).code == 2);
    }
    Given settings;
    settings.variables["JLCTL_OUTPUT"] = "json";
    CHECK(run(daemon, {"modbus", "point", "export", "plc-1"}, settings).out == expected);
  }
}
