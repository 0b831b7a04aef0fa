#include "common/model/media.hpp"

#include "common/model/resource.hpp"

#include <doctest/doctest.h>

namespace json = boost::json;
using namespace jl::model;

namespace {

json::object configuration(const json::object& more = {}) {
  json::object out{{"apiHost", "10.0.0.5"}, {"apiPort", 8180}, {"rtpIp", "10.0.0.5"}};
  for (const auto& [key, value] : more) {
    if (value.is_null()) {
      out.erase(key);
    } else {
      out[key] = value;
    }
  }
  return out;
}

Resource server(const json::object& more, std::vector<jl::Problem>& problems, const char* provider = "zlmediakit") {
  return read_resource(
      *find_kind("media-server"),
      json::object{{"id", "x"}, {"spec", {{"provider", provider}, {"configuration", configuration(more)}}}}, problems);
}

std::string wrong_server(const json::object& more) {
  std::vector<jl::Problem> problems;
  (void)server(more, problems);
  return problems.empty() ? std::string() : problems.front().field + ": " + problems.front().message;
}

MediaConfiguration settled_server(const json::object& more = {}) {
  std::vector<jl::Problem> problems;
  const auto out = server(more, problems);
  REQUIRE(problems.empty());
  return from_json<MediaServer>(out.spec).configuration;
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("providers of media servers go by JetLinks' names too (operations.md 3.1)") {
  for (const char* word : {"zlmediakit", "zlmedia", "embedded-zlmedia", "ZLM"}) {
    CAPTURE(word);
    std::vector<jl::Problem> problems;
    const auto read = server({}, problems, word);
    CHECK(problems.empty());
    CHECK(read.spec.at("provider") == "zlmediakit");
  }
  std::vector<jl::Problem> problems;
  CHECK(server({}, problems, "srs-media").spec.at("provider") == "srs");
  CHECK(problems.empty());
  (void)server({}, problems, "wowza");
  CHECK(problems.size() == 1);
}

TEST_CASE("a media server's API has a host and a port; https is said with the host (operations.md 3.1)") {
  CHECK(settled_server().base_url() == "http://10.0.0.5:8180");
  CHECK(settled_server({{"apiHost", "http://zlm.example/"}}).base_url() == "http://zlm.example:8180");
  CHECK(settled_server({{"apiHost", "https://zlm.example"}, {"apiPort", 443}}).base_url() == "https://zlm.example:443");
  CHECK(settled_server({{"apiHost", "2001:db8::5"}}).base_url() == "http://[2001:db8::5]:8180");
  CHECK(settled_server({{"apiHost", "https://[2001:db8::5]"}}).base_url() == "https://[2001:db8::5]:8180");
  CHECK(says(wrong_server({{"apiHost", nullptr}}), "spec.configuration.apiHost"));
  CHECK(says(wrong_server({{"apiPort", nullptr}}), "spec.configuration.apiPort"));
  CHECK(says(wrong_server({{"rtpIp", nullptr}}), "spec.configuration.rtpIp"));
  for (const char* host :
       {"10.0.0.5:80", "http://10.0.0.5:80", "ftp://x", "a b", "zlm/index", "user@zlm", "https://"}) {
    CAPTURE(host);
    CHECK(says(wrong_server({{"apiHost", host}}), "spec.configuration.apiHost"));
  }
  CHECK(says(wrong_server({{"apiPort", 0}}), "out of range"));
  CHECK(says(wrong_server({{"apiPort", 65536}}), "out of range"));
  CHECK(says(wrong_server({{"rtpIp", "http://10.0.0.5"}}), "spec.configuration.rtpIp"));
  CHECK(wrong_server({{"secret", std::string(64, 's')}}).empty());
}

TEST_CASE("cameras send to one port, or each to one of a range (operations.md 3.1)") {
  CHECK(settled_server({{"rtpPort", 10000}}).rtp_port == 10000);
  CHECK(wrong_server({{"dynamicRtpPort", true}}).empty());
  const auto range = settled_server({{"dynamicRtpPort", "true"}, {"dynamicRtpPortRange", {30000, "30500"}}});
  CHECK(range.dynamic_rtp_port_range == std::vector<std::string>{"30000", "30500"});
  CHECK(wrong_server({{"dynamicRtpPort", true}, {"dynamicRtpPortRange", {30000, 30000}}}).empty());
  CHECK(says(wrong_server({{"dynamicRtpPort", true}, {"dynamicRtpPortRange", {30500, 30000}}}), "begins at 30500"));
  for (const json::array& ports : {json::array{30000}, {30000, "x"}, {0, 30000}, {30000, 65536}, {30000, "30001x"}}) {
    CAPTURE(json::serialize(ports));
    CHECK(says(wrong_server({{"dynamicRtpPort", true}, {"dynamicRtpPortRange", ports}}), "two ports"));
  }
  CHECK(says(wrong_server({{"dynamicRtpPortRange", {30000, 30500}}}), "dynamicRtpPort"));
  CHECK(says(wrong_server({{"dynamicRtpPort", true}, {"rtpPort", 10000}}), "spec.configuration.rtpPort"));
}

TEST_CASE("formats are those that exist, none twice, by any of their names (operations.md 3.1)") {
  CHECK(settled_server({{"formats", {"FLV", "webrtc", "m3u8"}}}).formats ==
        std::vector<std::string>{"flv", "rtc", "hls"});
  CHECK(says(wrong_server({{"formats", {"avi"}}}), "none of"));
  CHECK(says(wrong_server({{"formats", {"hls", "m3u8"}}}), "twice"));
  const json::object player{{"format", "flv"}, {"publicHost", "video.example"}, {"port", 443}, {"tls", true}};
  const auto players = settled_server({{"distinguish", true}, {"playerConfig", json::array{player}}}).player_config;
  REQUIRE(players.size() == 1);
  CHECK(players[0].tls);
  CHECK(players[0].port == 443);
  CHECK(says(wrong_server({{"playerConfig", json::array{player, player}}}), "twice"));
  CHECK(says(wrong_server({{"playerConfig", json::array{{{"port", 80}}}}}), "playerConfig"));
}
