// Uploaded files and the resources that name them (architecture.md 5).
#include "tests/integration/house.hpp"
#include "tests/support/zip_builder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <filesystem>

namespace jl::test {
namespace {

std::string upload(const House& house, std::string_view content) {
  const Reply reply = house.ctl().call("POST", "/v1/files?purpose=protocol", content, kBytesHeader);
  REQUIRE(reply.status < 300);
  return reply.text("fileId");
}

std::string package() {
  return codec::package::test::zip({{"protocol.json", R"({"id":"p","name":"P","transports":[{"transport":"TCP"}]})"},
                                    {"main.js", "export function decode() {}"}});
}

std::string protocol(std::string_view id, std::string_view file) {
  return fmt::format(R"({{"id":"{}","spec":{{"type":"jar","configuration":{{"fileId":"{}"}}}}}})", id, file);
}

std::string path_of(const House& house, const std::string& id) { return house.config.state_dir + "/files/" + id; }

void set_age(const House& house, const std::string& id, Millis age) {
  const Millis at = house.clock.now() - age;
  const timespec time{at / 1000, 0};
  const std::array<timespec, 2> times{time, time};
  REQUIRE(::utimensat(AT_FDCWD, path_of(house, id).c_str(), times.data(), 0) == 0);
}

}  // namespace

TEST_CASE("a resource takes the file that was uploaded for it, and no other") {
  House house;
  CHECK(house.call("POST", "/v1/protocols", protocol("p", std::string(64, '0'))).problems() ==
        std::vector<std::string>{"protocol/p spec.configuration.fileId invalid"});
  const std::string id = upload(house, package());
  CHECK(upload(house, package()) == id);
  CHECK(house.call("POST", "/v1/protocols", protocol("p", id)).status == 201);
  CHECK(house
            .call("PATCH", "/v1/protocols/p",
                  fmt::format(R"({{"spec":{{"configuration":{{"fileId":"{}"}}}}}})", std::string(64, 'f')))
            .status == 422);
  CHECK(house.call("PATCH", "/v1/protocols/p", R"({"description":"mine"})").status == 200);
  // A plan may be about a file that is still to come.
  const std::string other =
      R"({"documents":[{"kind":"protocol",)" + protocol("q", std::string(64, '0')).substr(1) + "]}";
  CHECK(house.call("POST", "/v1/diff", other).number("summary.created") == 1);
  CHECK(house.call("POST", "/v1/apply?dryRun", other).number("summary.created") == 1);
  CHECK(house.call("POST", "/v1/apply", other).status == 422);
}

TEST_CASE("every hour, and at start, files go that nobody names and that are older than an hour") {
  House house;
  const std::string named = upload(house, package()), old = upload(house, "old"), young = upload(house, "young");
  REQUIRE(house.call("POST", "/v1/protocols", protocol("p", named)).status == 201);
  constexpr Millis kHour = 3'600'000;
  set_age(house, named, 2 * kHour);
  set_age(house, old, 2 * kHour);
  set_age(house, young, kHour / 2);
  SUBCASE("at start") { house.restart(); }
  SUBCASE("every hour") {
    for (int second = 0; second < 3600; ++second) {
      house.app->tick();
      // Quicker than life: what the ticks asked for must be done before its queue is full.
      if (second % 100 == 0) REQUIRE(house.call("PATCH", "/v1/protocols/p", "{}").status == 200);
    }
  }
  CHECK(eventually([&] { return !std::filesystem::exists(path_of(house, old)); }));
  CHECK(std::filesystem::exists(path_of(house, named)));
  CHECK(std::filesystem::exists(path_of(house, young)));
}

TEST_CASE("a file that its last resource let go is swept like any other") {
  House house;
  const std::string id = upload(house, package());
  REQUIRE(house.call("POST", "/v1/protocols", protocol("p", id)).status == 201);
  REQUIRE(house.call("POST", "/v1/protocols/p/disable").status == 200);
  REQUIRE(house.call("DELETE", "/v1/protocols/p").status == 200);
  set_age(house, id, 7'200'000);
  house.restart();
  CHECK(eventually([&] { return !std::filesystem::exists(path_of(house, id)); }));
}

}  // namespace jl::test
