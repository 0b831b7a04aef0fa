#pragma once
// Media servers (流媒体服务): what receives the streams of cameras and plays them to people (operations.md 3.1). Keys
// as JetLinks spells them.
#include "common/model/network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jl::model {

enum class MediaProvider : std::uint8_t { zlmediakit, srs };
template <>
struct EnumWords<MediaProvider> {
  static const std::vector<Word>& words();
};

/// A form in which a stream is played.
enum class PlayFormat : std::uint8_t { rtsp, rtmp, flv, mp4, hls, ts, rtc };
template <>
struct EnumWords<PlayFormat> {
  static const std::vector<Word>& words();
};

/// Where one format is played, when that differs from what the server says of itself.
struct PlayerConfig {
  PlayFormat format = PlayFormat::flv;
  bool enabled = true;
  std::string public_host;
  std::optional<std::uint16_t> port, local_port;
  bool tls = false;
};

struct MediaConfiguration {
  Secret secret;
  std::string api_host;
  std::uint16_t api_port = 0;
  Reference cert_id;
  std::string rtp_ip;
  std::optional<std::uint16_t> rtp_port;
  bool dynamic_rtp_port = false;
  std::vector<std::string> dynamic_rtp_port_range;
  std::string public_host;
  std::optional<std::uint16_t> rtmp_port, rtsp_port, http_port;
  std::vector<std::string> formats;
  bool distinguish = false;
  std::vector<PlayerConfig> player_config;

  /// "http://10.0.0.5:8180": where its API is.
  [[nodiscard]] std::string base_url() const;
};

struct MediaServer {
  MediaProvider provider = MediaProvider::zlmediakit;
  MediaConfiguration configuration;
};

/// A host name or address, or an http(s) URL of nothing else.
void check_api_host(json::value& value, const std::string& path, std::vector<Problem>& problems);
/// Ports for RTP: one, or a range [from, to]; formats that exist, none twice.
void settle_media_configuration(json::object& object, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, PlayerConfig& s) {
  v.field("format", s.format).required().help("form of the stream (播放格式)");
  v.field("enabled", s.enabled).help("whether its address is given out");
  v.field("publicHost", s.public_host).max_length(253).check(check_host).help("host of the address (公网地址)");
  v.field("port", s.port).range(1, 65535).help("port of the address (公网端口)");
  v.field("localPort", s.local_port).range(1, 65535).help("port on the server's own network (本地端口)");
  v.field("tls", s.tls).help("the address is one with TLS: https, rtsps, rtmps");
}

template <class V>
void describe(V& v, MediaConfiguration& s) {
  v.field("secret", s.secret).help("of the server's API; ZLMediaKit has it in config.ini, section api (密钥)");
  v.field("apiHost", s.api_host)
      .required()
      .max_length(253)
      .check(check_api_host)
      .help("host of the server's API, as jlinkd reaches it; https://HOST for TLS (API Host)")
      .example("10.0.0.5");
  v.field("apiPort", s.api_port).required().range(1, 65535).help("port of the API (API端口)").example("80");
  v.field("certId", s.cert_id)
      .refers_to("cert")
      .flag("cert")
      .help("whose authorities are trusted when the API has TLS; the system's unless given");
  v.field("rtpIp", s.rtp_ip)
      .required()
      .max_length(253)
      .check(check_host)
      .help("where cameras send their streams; an IP address, because some cameras resolve no names (RTP IP)")
      .example("10.0.0.5");
  v.field("rtpPort", s.rtp_port).range(1, 65535).help("one port for all cameras (固定端口)");
  v.field("dynamicRtpPort", s.dynamic_rtp_port).help("a port for each stream (动态端口)");
  v.field("dynamicRtpPortRange", s.dynamic_rtp_port_range)
      .max_length(2)
      .help("first and last of those ports; the server's own choice unless given (端口范围)")
      .example("[30000, 30500]");
  v.field("publicHost", s.public_host)
      .max_length(253)
      .check(check_host)
      .help("host in the addresses that viewers get; rtpIp unless given (公网 Host)");
  v.field("rtmpPort", s.rtmp_port).range(1, 65535).help("as viewers reach it; the server's own unless given");
  v.field("rtspPort", s.rtsp_port).range(1, 65535).help("as viewers reach it; the server's own unless given");
  v.field("httpPort", s.http_port).range(1, 65535).help("of flv, mp4, hls and ts, as viewers reach it");
  v.field("formats", s.formats)
      .max_length(7)
      .help("whose addresses are given out: rtsp, rtmp, flv, mp4, hls, ts, rtc; all unless given (流格式)");
  v.field("distinguish", s.distinguish).help("playerConfig has hosts of its own (区分内外网)");
  v.field("playerConfig", s.player_config).max_length(7).help("where single formats are played (播放配置)");
  v.settle(settle_media_configuration);
}

template <class V>
void describe(V& v, MediaServer& s) {
  v.field("provider", s.provider).required().immutable().help("whose server it is (服务商)").example("zlmediakit");
  v.field("configuration", s.configuration).help("how it is reached, and where it is played");
}

}  // namespace jl::model
