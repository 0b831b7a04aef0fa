#include "daemon/device/protocols.hpp"

#include "tests/support/temp_folder.hpp"

#include <doctest/doctest.h>
#include <fstream>

namespace jl::device {
namespace {
namespace json = boost::json;

struct Bench {
  void write(const std::string& version, const std::string& script = "export function decode() {}") {
    std::ofstream(folder.path() + "/protocol.json")
        << R"({"id":"x","name":"X","version":")" << version << R"(","transports":[{"transport":"TCP"}]})";
    std::ofstream(folder.path() + "/main.js") << script;
  }
  [[nodiscard]] model::Resource local(const std::string& id = "p") const {
    model::Resource out;
    out.kind = "protocol";
    out.id = out.name = id;
    out.enabled = true;
    out.spec = {{"type", "local"}, {"configuration", json::object{{"location", folder.path()}}}};
    return out;
  }
  test::TempFolder folder;
  Protocols protocols;
};

}  // namespace

TEST_SUITE("device.protocols") {
  TEST_CASE("a package is put to use, and keeps working when another one does not load [access.md 3.2]") {
    Bench b;
    b.write("1");
    const auto resource = b.local();
    REQUIRE(b.protocols.inspect(resource).has_value());
    const codec::Protocol* codec = b.protocols.use(resource, 1000);
    REQUIRE(codec != nullptr);
    CHECK(codec->descriptor()->version == "1");
    CHECK(b.protocols.state_of(resource).loaded_at == 1000);
    CHECK_FALSE(b.protocols.reload(resource, 2000));  // nothing changed

    b.write("2");
    CHECK(b.protocols.reload(resource, 3000));
    CHECK(codec->descriptor()->version == "2");
    CHECK(b.protocols.codec_of(resource) == codec);

    b.write("3", "export function decode( {");
    CHECK_FALSE(b.protocols.reload(resource, 4000));
    CHECK(codec->descriptor()->version == "2");
    CHECK(b.protocols.state_of(resource).problem.find("main.js:1:") != std::string::npos);
    CHECK(b.protocols.state_of(resource).loaded_at == 3000);

    b.write("2");
    CHECK_FALSE(b.protocols.reload(resource, 5000));
    CHECK(b.protocols.state_of(resource).problem.empty());
  }

  TEST_CASE("a package that will not do for those that use it is kept out [access.md 3.4]") {
    Bench b;
    b.write("1");
    const auto resource = b.local();
    REQUIRE(b.protocols.use(resource, 1) != nullptr);
    b.write("2");
    const auto refuses = [](const codec::Descriptor&) { return Status(Error(Errc::in_use, "gateway/g needs MQTT")); };
    CHECK_FALSE(b.protocols.reload(resource, 2, refuses));
    CHECK(b.protocols.codec_of(resource)->descriptor()->version == "1");
    CHECK(b.protocols.state_of(resource).problem == "gateway/g needs MQTT");
    CHECK(b.protocols.late().empty());
  }

  TEST_CASE("a package that never loaded has no codec, and comes to life when it does") {
    Bench b;
    b.write("1", "throw new Error('broken');");
    const auto resource = b.local();
    CHECK_FALSE(b.protocols.inspect(resource).has_value());
    CHECK(b.protocols.use(resource, 1) == nullptr);
    CHECK(b.protocols.state_of(resource).problem.find("broken") != std::string::npos);
    b.write("1");
    CHECK(b.protocols.reload(resource, 2));
    CHECK(b.protocols.codec_of(resource) != nullptr);
  }

  TEST_CASE("a resource that is gone leaves its sessions a codec that fails") {
    Bench b;
    b.write("1");
    const auto resource = b.local();
    const codec::Protocol* codec = b.protocols.use(resource, 1);
    REQUIRE(codec != nullptr);
    b.protocols.forget("p");
    CHECK(b.protocols.codec_of(resource) == nullptr);
    codec::DeviceMessage message;
    codec::Answer answer;
    const codec::DeviceIdentity device{"d", "p", {}};
    CHECK_FALSE(codec->decode({{}, "x", codec::Transport::tcp}, {device}, 1, message, answer).has_value());
    CHECK(b.protocols.use(resource, 2) == codec);
  }

  TEST_CASE("folders are told of as protocols come and go") {
    Bench b;
    b.write("1");
    int told = 0;
    b.protocols.on_folders([&] { ++told; });
    (void)b.protocols.use(b.local("p"), 1);
    (void)b.protocols.use(b.local("q"), 1);
    CHECK(told == 2);
    REQUIRE(b.protocols.folders().size() == 1);
    CHECK(b.protocols.folders().begin()->second.size() == 2);
    b.protocols.forget("p");
    b.protocols.forget("q");
    CHECK(told == 4);
    CHECK(b.protocols.folders().empty());
  }

  TEST_CASE("an uploaded package that is not there says so") {
    Bench b;
    model::Resource resource = b.local();
    resource.spec = {{"type", "jar"}, {"configuration", json::object{{"fileId", std::string(64, 'a')}}}};
    CHECK_FALSE(b.protocols.has_files(resource));
    CHECK_FALSE(b.protocols.inspect(resource).has_value());
  }
}

}  // namespace jl::device
