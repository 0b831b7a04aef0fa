#include "common/model/media.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <set>

namespace jl::model {

const std::vector<Word>& EnumWords<MediaProvider>::words() {
  static const std::vector<Word> words{{"zlmediakit", "ZLMediaKit", {"zlmedia", "embedded-zlmedia", "zlm"}},
                                       {"srs", "SRS, Simple Realtime Server", {"srs-media"}}};
  return words;
}

const std::vector<Word>& EnumWords<PlayFormat>::words() {
  static const std::vector<Word> words{{"rtsp", "RTSP", {}},         {"rtmp", "RTMP", {}},
                                       {"flv", "FLV over HTTP", {}}, {"mp4", "fMP4 over HTTP", {}},
                                       {"hls", "HLS", {"m3u8"}},     {"ts", "MPEG-TS over HTTP", {}},
                                       {"rtc", "WebRTC", {"webrtc"}}};
  return words;
}

namespace {

struct Split {
  std::string_view scheme, host;
};
Split split_host(std::string_view text) {
  for (const std::string_view scheme : {"https", "http"}) {
    if (text.starts_with(scheme) && text.substr(scheme.size()).starts_with("://"))
      return {scheme, text.substr(scheme.size() + 3)};
  }
  return {"http", text};
}

std::optional<int> port_of(std::string_view text) {
  int port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) return std::nullopt;
  return port;
}

}  // namespace

std::string MediaConfiguration::base_url() const {
  const auto [scheme, host] = split_host(api_host);
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return fmt::format("{}://{}{}{}:{}", scheme, is_v6 ? "[" : "", host, is_v6 ? "]" : "", api_port);
}

void check_api_host(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  std::string text(value.as_string());
  while (text.ends_with('/')) text.pop_back();
  auto [scheme, host] = split_host(text);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || (host.find(':') != std::string_view::npos && std::ranges::count(host, ':') == 1)) {
    problems.push_back({path, "\"" + text + "\" is no host; its port is apiPort", Errc::invalid, {}, {}});
    return;
  }
  json::value plain(host);
  check_host(plain, path, problems);
  value = scheme == "https" ? "https://" + std::string(host) : std::string(host);
}

void settle_media_configuration(json::object& object, const std::string& path, std::vector<Problem>& problems) {
  const auto add = [&](const char* field, std::string message) {
    problems.push_back({path.empty() ? field : path + "." + field, std::move(message), Errc::invalid, {}, {}});
  };
  const auto* dynamic = object.if_contains("dynamicRtpPort");
  const bool is_dynamic = dynamic && dynamic->is_bool() && dynamic->get_bool();
  if (auto* range = object.if_contains("dynamicRtpPortRange");
      range && range->is_array() && !range->get_array().empty()) {
    auto& ports = range->get_array();
    const auto first = port_of(ports.front().as_string()), last = port_of(ports.back().as_string());
    if (ports.size() != 2 || !first || !last) {
      add("dynamicRtpPortRange", "must be two ports, the first and the last: 30000 30500");
    } else if (*first > *last) {
      add("dynamicRtpPortRange", fmt::format("begins at {}, after its end at {}", *first, *last));
    } else if (!is_dynamic) {
      add("dynamicRtpPortRange", "is only of use with dynamicRtpPort");
    }
  }
  if (is_dynamic && object.contains("rtpPort"))
    add("rtpPort", "there is a port for each stream; take dynamicRtpPort away");
  std::set<std::string_view> seen;
  if (auto* formats = object.if_contains("formats"); formats && formats->is_array()) {
    for (auto& format : formats->get_array()) {
      const auto& words = EnumWords<PlayFormat>::words();
      const auto known = std::ranges::find_if(words, [&](const Word& word) {
        return iequals(word.word, format.as_string()) ||
               std::ranges::any_of(word.aliases, [&](const auto& alias) { return iequals(alias, format.as_string()); });
      });
      if (known == words.end()) {
        add("formats", "\"" + std::string(format.as_string()) + "\" is none of rtsp, rtmp, flv, mp4, hls, ts, rtc");
        return;
      }
      format = json::value(known->word);
      if (!seen.insert(known->word).second) add("formats", "has \"" + known->word + "\" twice");
    }
  }
  if (auto* players = object.if_contains("playerConfig"); players && players->is_array()) {
    std::set<std::string> configured;
    for (const auto& player : players->get_array()) {
      const auto* format = player.as_object().if_contains("format");
      if (format && !configured.insert(std::string(format->as_string())).second)
        add("playerConfig", "has \"" + std::string(format->as_string()) + "\" twice");
    }
  }
}

}  // namespace jl::model
