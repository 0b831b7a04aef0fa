#include "daemon/ota/depot.hpp"

#include <doctest/doctest.h>

using jl::Errc;
using jl::ota::Denial;
using jl::ota::Depot;
using jl::ota::Grant;
using jl::ota::Plan;
namespace model = jl::model;
namespace json = boost::json;

namespace {

const std::string kFile(64, 'a');
constexpr jl::Millis kNow = 1'700'000'000'000;

model::OtaFirmware firmware() {
  model::OtaFirmware out;
  out.product_id.id = "meter";
  out.version = "1.2.0";
  out.version_order = 12;
  out.sign = kFile;
  out.file_id = kFile;
  out.file_name = "fw 1.2.bin";
  out.size = 1000;
  out.properties = {{"reboot", "", "auto"}};
  return out;
}

model::OtaServer server(const std::string& network, const std::string& url) {
  model::OtaServer out;
  out.network_id.id = network;
  out.public_url = url;
  out.token_grace = 60;
  return out;
}

struct House {
  Depot depot{std::string(32, 'k')};
  Plan plan;
  House() {
    depot.set_firmware("fw", firmware());
    depot.set_server("main", server("http-1", "http://gw:8848"), true);
    plan.task_id = "roll";
    plan.firmware_id = "fw";
  }
  // Path and query of the address that a device is told.
  std::pair<std::string, std::string> told(jl::Millis expires = kNow) const {
    const auto message = depot.message(plan, "dev-1", expires);
    REQUIRE(message.has_value());
    std::string url(message->at("url").as_string());
    REQUIRE(url.starts_with("http://gw:8848/"));
    url = url.substr(std::string("http://gw:8848").size());
    return {url.substr(0, url.find('?')), url.substr(url.find('?') + 1)};
  }
};

int status_of(const std::variant<Grant, Denial>& judged) {
  return std::holds_alternative<Denial>(judged) ? std::get<Denial>(judged).status : 200;
}

}  // namespace

TEST_CASE("a device is told everything of UPGRADE_FIRMWARE (wire.md 6)") {
  const House house;
  const auto message = house.depot.message(house.plan, "dev-1", kNow);
  REQUIRE(message.has_value());
  CHECK(message->at("firmwareId") == "fw");
  CHECK(message->at("version") == "1.2.0");
  CHECK(message->at("size") == 1000);
  CHECK(message->at("sign") == json::string(kFile));
  CHECK(message->at("signMethod") == "sha256");
  CHECK(message->at("parameters") == json::object{{"reboot", "auto"}});
  CHECK(std::string(message->at("url").as_string()).starts_with("http://gw:8848/ota/v1/fw/fw_1.2.bin?k="));
}

TEST_CASE("the address that a device was told leads to the file, until its grace is over") {
  const House house;
  const auto [path, query] = house.told();
  const auto judged = house.depot.judge("http-1", path, query, kNow + 60'000);
  REQUIRE(std::holds_alternative<Grant>(judged));
  const Grant& grant = std::get<Grant>(judged);
  CHECK(grant.file_id == kFile);
  CHECK(grant.size == 1000);
  CHECK(grant.server_id == "main");
  CHECK(grant.token.task_id == "roll");
  CHECK(grant.token.device_id == "dev-1");
  CHECK(status_of(house.depot.judge("http-1", path, query, kNow + 60'001)) == 403);
}

TEST_CASE("other components, firmware, keys and paths lead nowhere") {
  House house;
  const auto [path, query] = house.told();
  CHECK(status_of(house.depot.judge("http-2", path, query, kNow)) == 404);
  CHECK(status_of(house.depot.judge("http-1", "/ota/v1/other/fw.bin", query, kNow)) == 403);
  CHECK(status_of(house.depot.judge("http-1", path, "", kNow)) == 403);
  CHECK(status_of(house.depot.judge("http-1", path, "k=", kNow)) == 403);
  CHECK(status_of(house.depot.judge("http-1", path, "k=AAAA", kNow)) == 403);
  CHECK(status_of(house.depot.judge("http-1", "/ota/v1/fw", query, kNow)) == 404);
  CHECK(status_of(house.depot.judge("http-1", "/ota/v1/", query, kNow)) == 404);
  CHECK(status_of(house.depot.judge("http-1", "/ota/v1/fw/../fw/x", query, kNow)) == 404);
  CHECK(status_of(house.depot.judge("http-1", path, "a=b&" + query + "&c", kNow)) == 200);
  house.depot.set_server("main", server("http-1", "http://gw:8848"), false);
  CHECK(status_of(house.depot.judge("http-1", path, query, kNow)) == 404);
}

TEST_CASE("firmware that is elsewhere needs no server, and is not served from here") {
  House house;
  auto elsewhere = firmware();
  elsewhere.url = "https://cdn.example/fw.bin";
  elsewhere.file_id.clear();
  house.depot.set_firmware("fw", elsewhere);
  house.depot.set_server("main", std::nullopt, false);
  const auto message = house.depot.message(house.plan, "dev-1", kNow);
  REQUIRE(message.has_value());
  CHECK(message->at("url") == "https://cdn.example/fw.bin");
  CHECK(house.depot.check_url("fw", "", kNow).error().code == Errc::unsupported);
}

TEST_CASE("which server: the one that is named, or the only one that is enabled") {
  House house;
  CHECK(house.depot.server_for("").value() == "main");
  house.depot.set_server("second", server("http-2", "http://b"), true);
  CHECK(house.depot.server_for("").error().code == Errc::conflict);
  CHECK(house.depot.server_for("second").value() == "second");
  CHECK(house.depot.server_for("third").error().code == Errc::not_found);
  house.depot.set_server("main", server("http-1", "http://a"), false);
  CHECK(house.depot.server_for("").value() == "second");
  CHECK(house.depot.server_for("main").error().code == Errc::disabled);
  house.depot.set_server("second", std::nullopt, false);
  CHECK(house.depot.server_for("").error().code == Errc::not_found);
  CHECK(house.depot.message(house.plan, "dev-1", kNow).error().code == Errc::not_found);
}

TEST_CASE("names of files become plain parts of an address") {
  CHECK(jl::ota::url_name("fw-1.2_a.bin") == "fw-1.2_a.bin");
  CHECK(jl::ota::url_name("../../etc/passwd") == ".._.._etc_passwd");
  CHECK(jl::ota::url_name("固件.bin").ends_with(".bin"));
  CHECK(jl::ota::url_name("") == "firmware.bin");
  CHECK(jl::ota::url_name("..") == "firmware.bin");
  CHECK(jl::ota::url_name("a b?c#d%00\n") == "a_b_c_d_00_");
}
