// Protocols that come as packages: uploaded ones, and folders of the daemon's machine.
#include "tests/unit/common/model/support.hpp"

#include "common/control/uploads.hpp"
#include "common/model/protocol.hpp"

using namespace jl;
using namespace jl::model;

namespace {

const std::string kId(64, 'a');

std::string jar(const std::string& configuration, const std::string& type = "jar") {
  return "{'id':'p','spec':{'type':'" + type + "','configuration':" + configuration + "}}";
}

void mark_purposes(const Table& table, std::vector<std::string>& out) {
  for (const Field& field : table.fields) {
    if (!field.uploaded.empty()) out.push_back(field.uploaded);
    if (!field.upload_name.empty()) CHECK(table.find(field.upload_name));
    if (field.table) mark_purposes(*field.table, out);
    for (const Variant& variant : field.variants) mark_purposes(*variant.table, out);
  }
}

}  // namespace

TEST_SUITE("common.model.protocol") {
  TEST_CASE("an uploaded package is the id of a file and what it is called; zip is the same type") {
    const Resource got = read("protocol", jar("{'fileId':'" + kId + "','fileName':'c.jar'}", "zip"));
    CHECK(got.spec == js("{'type':'jar','configuration':{'fileId':'" + kId + "','fileName':'c.jar'}}"));
    const auto protocol = from_json<JarConfiguration>(got.spec.at("configuration").as_object());
    CHECK(protocol.file_id == kId);
    CHECK(protocol.file_name == "c.jar");
    // What JetLinks' pages send along.
    CHECK(read("protocol", jar("{'fileId':'" + kId + "','provider':'x.Provider','location':'http://x/y.jar'}")).spec ==
          js("{'type':'jar','configuration':{'fileId':'" + kId + "'}}"));
  }

  TEST_CASE("a file's id is 64 lower-case hex digits, and who gives something else learns how to give the file") {
    for (const std::string& id : {std::string("codec.jar"), std::string(63, 'a'), std::string(64, 'A'),
                                  std::string(64, 'g'), "/" + std::string(63, 'a')}) {
      CAPTURE(id);
      std::vector<Problem> problems;
      (void)read("protocol", jar("{'fileId':'" + id + "'}"), problems);
      REQUIRE(brief(problems) == Briefs{"spec.configuration.fileId invalid"});
      CHECK(problems[0].message.find("--package FILE") != std::string::npos);
      CHECK(problems[0].message.find("fromFile") != std::string::npos);
    }
    CHECK(problems_of("protocol", jar("{}")) == Briefs{"spec.configuration.fileId invalid"});
    CHECK(problems_of("protocol", jar("{'fileId':''}")) == Briefs{"spec.configuration.fileId invalid"});
    CHECK(problems_of("protocol", jar("{'fileId':7}")) == Briefs{"spec.configuration.fileId invalid"});
  }

  TEST_CASE("a local package is an absolute path, in its shortest form") {
    const auto location = [](const std::string& given) {
      return read("protocol", jar("{'location':'" + given + "'}", "local")).spec.at("configuration").at("location");
    };
    CHECK(location("/opt/codec/classes") == "/opt/codec/classes");
    CHECK(location("/opt//codec/./x/../classes/") == "/opt/codec/classes");
    CHECK(location("/") == "/");
    for (const char* wrong : {"codec", "./codec", "", "~/codec", "file:///opt"}) {
      CAPTURE(wrong);
      CHECK(problems_of("protocol", jar("{'location':'" + std::string(wrong) + "'}", "local")) ==
            Briefs{"spec.configuration.location invalid"});
    }
    CHECK(problems_of("protocol", jar("{'location':'/opt','provider':'p','fileId':''}", "local")).empty());
  }

  TEST_CASE("uploaded files are found in specs, whatever kind names them") {
    const Resource protocol = read("protocol", jar("{'fileId':'" + kId + "'}"));
    const auto files = files_of(protocol);
    REQUIRE(files.size() == 1);
    CHECK(files[0].field == "spec.configuration.fileId");
    CHECK(files[0].id == kId);
    CHECK(files_of(read("protocol", "{'id':'p'}")).empty());
    CHECK(holds_files(*find_kind("protocol")->spec));
    CHECK_FALSE(holds_files(*find_kind("network")->spec));
  }

  TEST_CASE("every purpose that a table names is one that files are uploaded for") {
    std::vector<std::string> purposes;
    for (const Kind& kind : kinds()) mark_purposes(*kind.spec, purposes);
    CHECK_FALSE(purposes.empty());
    for (const auto& purpose : purposes) CHECK(control::find_upload_purpose(purpose) != nullptr);
  }
}
