// ZLMediaKit's REST interface (operations.md 3.3): always HTTP 200, `code` says how it went. The secret goes in the
// form of a POST, so that it is in no log of URLs.
#include "daemon/media/api_reply.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::media {
namespace json = boost::json;

namespace {

constexpr int kAuthFailed = -100;
constexpr int kBadArguments = -300;
constexpr int kNotFound = -500;
constexpr double kBusy = 0.95;  // of its busiest thread
constexpr const char* kVhost = "__defaultVhost__";
constexpr int kPullSeconds = 8;  // below the time limit of a call, so that its own reason is heard

bool is_about_address(std::string_view words) {
  return words.find("ip is not allowed") != std::string_view::npos || words.find("not allowed to access") != words.npos;
}

class ZlMediaKit final : public ServerApi, public std::enable_shared_from_this<ZlMediaKit> {
 public:
  ZlMediaKit(std::shared_ptr<network::HttpClient> client, ServerAddress address)
      : client_(std::move(client)), address_(std::move(address)) {}

  void check(std::function<void(Checkup)> done) override {
    raw("getServerConfig", {}, [self = shared_from_this(), done = std::move(done)](Result<json::object> answer) {
      Checkup out = self->read_config(answer);
      if (out.health != Health::ok) return done(std::move(out));
      self->check_load(std::move(out), done);
    });
  }

  void open_rtp(const RtpRequest& request, Done<std::uint16_t> done) override {
    Form form{{"port", std::to_string(request.port)},
              {"tcp_mode", std::to_string(request.tcp_mode)},
              {"stream_id", request.stream}};
    if (request.ssrc) form.emplace_back("ssrc", std::to_string(*request.ssrc));
    ask("openRtpServer", std::move(form), [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      const std::uint16_t port = port_of(*answer, "port");
      if (port == 0) return done(Error(Errc::device_error, "ZLMediaKit opens an RTP server and names no port"));
      done(port);
    });
  }

  void close_rtp(const std::string& stream, Finished done) override {
    ask("closeRtpServer", {{"stream_id", stream}}, finished(std::move(done)));
  }

  void list_rtp(Done<std::vector<std::string>> done) override {
    ask("listRtpServer", {}, [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      std::vector<std::string> out;
      for (const auto* each : data_of(*answer)) out.push_back(text_of(*each, "stream_id"));
      done(std::move(out));
    });
  }

  void change_ssrc(const std::string& stream, std::uint32_t ssrc, Finished done) override {
    ask("updateRtpServerSSRC", {{"stream_id", stream}, {"ssrc", std::to_string(ssrc)}}, finished(std::move(done)));
  }

  void add_proxy(const std::string& app, const std::string& stream, const std::string& url,
                 Done<std::string> done) override {
    ask("addStreamProxy",
        {{"vhost", kVhost},
         {"app", app},
         {"stream", stream},
         {"url", url},
         {"rtp_type", "0"},
         {"timeout_sec", std::to_string(kPullSeconds)}},
        [done = std::move(done)](Result<json::object> answer) {
          if (!answer) return done(answer.error());
          const auto* data = answer->if_contains("data");
          std::string key = data && data->is_object() ? text_of(data->get_object(), "key") : std::string();
          if (key.empty()) return done(Error(Errc::device_error, "ZLMediaKit pulls a stream and names no key"));
          done(std::move(key));
        });
  }

  void remove_proxy(const std::string& key, Finished done) override {
    ask("delStreamProxy", {{"key", key}}, finished(std::move(done)));
  }

  void find(const std::string& app, const std::string& stream, Done<std::optional<Stream>> done) override {
    streams({{"vhost", kVhost}, {"app", app}, {"stream", stream}},
            [done = std::move(done)](Result<std::vector<Stream>> streams) {
              if (!streams) return done(streams.error());
              done(streams->empty() ? std::nullopt : std::optional(std::move(streams->front())));
            });
  }

  void list(Done<std::vector<Stream>> done) override { streams({}, std::move(done)); }

  void close(const std::string& app, const std::string& stream, Finished done) override {
    ask("close_streams", {{"vhost", kVhost}, {"app", app}, {"stream", stream}, {"force", "1"}},
        finished(std::move(done)));
  }

  void snapshot(const std::string& app, const std::string& stream, Done<std::string> done) override {
    // It reads its own stream over RTSP on the loopback interface.
    raw("getServerConfig", {},
        [self = shared_from_this(), app, stream, done = std::move(done)](Result<json::object> answer) {
          const Checkup config = self->read_config(answer);
          if (config.health != Health::ok) return done(Error(Errc::network, config.reason));
          const std::string url = play_url(false, "rtsp", "127.0.0.1", config.ports, false, app, stream);
          if (url.empty())
            return done(Error(Errc::unsupported, "ZLMediaKit has no RTSP port, so it takes no snapshot"));
          self->take_snapshot(url, done);
        });
  }

  void install_hooks(const std::string& base_url, Finished done) override {
    Form form{{"hook.enable", "1"}, {"hook.alive_interval", "10.0"}};
    constexpr std::string_view kHooks[] = {"hook.on_server_started",     "hook.on_server_exited",
                                           "hook.on_server_keepalive",   "hook.on_stream_changed",
                                           "hook.on_stream_none_reader", "hook.on_rtp_server_timeout"};
    for (const std::string_view key : kHooks) form.emplace_back(key, fmt::format("{}/{}", base_url, key.substr(5)));
    ask("setServerConfig", std::move(form), finished(std::move(done)));
  }

 private:
  using Answer = std::function<void(Result<json::object>)>;

  // The answer whatever its code; the error is one of the way there.
  void raw(const char* name, Form form, Answer done) {
    network::HttpCall call;
    call.method = "POST";
    call.url = address_.base_url + "/index/api/" + name;
    call.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    call.authorities = address_.authorities;
    form.emplace_back("secret", address_.secret.reveal());
    call.body = encode_form(form);
    client_->call(std::move(call), [done = std::move(done)](Result<network::HttpReply> reply) {
      if (!reply) return done(reply.error());
      done(read_object("ZLMediaKit", *reply));
    });
  }

  void ask(const char* name, Form form, Answer done) {
    raw(name, std::move(form), [name, done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      const auto code = number_of(*answer, "code");
      if (code == 0) return done(std::move(answer));
      done(error_of(name, code, shown_words(text_of(*answer, "msg"))));
    });
  }

  static Error error_of(std::string_view name, std::int64_t code, const std::string& words) {
    const std::string what = fmt::format("ZLMediaKit {}: {} (code {})", name, words, code);
    if (code == kAuthFailed)
      return {Errc::device_error, what, is_about_address(words) ? "allow_ip_range in its config.ini" : "its secret"};
    if (words.find("already exists") != std::string::npos)
      return {name == "openRtpServer" ? Errc::conflict : Errc::already_exists, what};
    if (code == kNotFound) return {Errc::not_found, what};
    if (code == kBadArguments) return {Errc::device_error, what};
    if (name == "openRtpServer") return {Errc::unavailable, what};
    if (name == "addStreamProxy") return {Errc::job_failed, "the source: " + words};
    return {Errc::device_error, what};
  }

  static Answer finished(Finished done) {
    return [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      done({});
    };
  }

  // The objects of `data`, which is absent when there is none.
  static std::vector<const json::object*> data_of(const json::object& answer) {
    std::vector<const json::object*> out;
    const auto* data = answer.if_contains("data");
    if (!data || !data->is_array()) return out;
    for (const auto& each : data->get_array()) {
      if (each.is_object()) out.push_back(&each.get_object());
    }
    return out;
  }

  Checkup read_config(const Result<json::object>& answer) const {
    Checkup out;
    if (!answer) {
      out.health = Health::unreachable;
      out.reason = answer.error().message;
      return out;
    }
    const auto code = number_of(*answer, "code");
    const std::string words = shown_words(text_of(*answer, "msg"));
    if (!answer->contains("code")) {
      out.health = Health::unreachable;
      out.reason = address_.base_url + " is no ZLMediaKit";
    } else if (code == kAuthFailed || (code == kBadArguments && words.find("secret") != std::string::npos)) {
      const bool is_address = is_about_address(words);
      out.health = is_address ? Health::ip_not_allowed : Health::auth_failed;
      out.reason =
          is_address ? "it does not let this machine's address in: " + words : "it refuses the secret: " + words;
    } else if (const auto sections = data_of(*answer); code != 0 || sections.empty()) {
      out.health = Health::degraded;
      out.reason = code != 0 ? fmt::format("{} (code {})", words, code) : "it does not show its configuration";
    } else {
      out.health = Health::ok;
      const json::object& config = *sections.front();
      out.server_id = shown_words(text_of(config, "general.mediaServerId"));
      out.ports = {port_of(config, "http.port"), port_of(config, "http.sslport"), port_of(config, "rtsp.port"),
                   port_of(config, "rtmp.port"), port_of(config, "rtc.port"),     port_of(config, "srt.port")};
    }
    return out;
  }

  void check_load(Checkup checkup, const std::function<void(Checkup)>& done) {
    raw("getThreadsLoad", {},
        [self = shared_from_this(), checkup = std::move(checkup), done](Result<json::object> load) mutable {
          if (!load || number_of(*load, "code") != 0) {
            checkup.health = Health::degraded;
            checkup.reason = "it does not say how busy it is";
            return done(std::move(checkup));
          }
          for (const auto* thread : data_of(*load))
            checkup.load = std::max(checkup.load, real_of(*thread, "load") / 100);
          checkup.load = std::clamp(checkup.load, 0.0, 1.0);
          if (checkup.load > kBusy) {
            checkup.health = Health::degraded;
            checkup.reason = fmt::format("a thread of it is busy {:.0f} % of the time", checkup.load * 100);
          }
          self->read_version(std::move(checkup), done);
        });
  }

  void read_version(Checkup checkup, const std::function<void(Checkup)>& done) {
    raw("version", {}, [checkup = std::move(checkup), done](Result<json::object> answer) mutable {
      const auto* data = answer ? answer->if_contains("data") : nullptr;
      if (data && data->is_object()) checkup.version = shown_words(text_of(data->get_object(), "commitHash"));
      done(std::move(checkup));
    });
  }

  void streams(Form form, Done<std::vector<Stream>> done) {
    ask("getMediaList", std::move(form), [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      // One entry for each schema of a stream.
      std::vector<Stream> out;
      for (const auto* each : data_of(*answer)) {
        const std::string app = text_of(*each, "app"), name = text_of(*each, "stream");
        auto it = std::ranges::find_if(out, [&](const Stream& s) { return s.app == app && s.stream == name; });
        if (it == out.end()) {
          it = out.insert(out.end(), Stream{});
          it->app = app, it->stream = name;
          it->origin = shown_words(text_of(*each, "originTypeStr"));
          it->readers = number_of(*each, "totalReaderCount");
          it->alive_seconds = number_of(*each, "aliveSecond");
          it->codecs = codecs_of(*each);
        }
        it->bytes_per_second = std::max(it->bytes_per_second, number_of(*each, "bytesSpeed"));
        it->schemas.push_back(shown_words(text_of(*each, "schema")));
      }
      done(std::move(out));
    });
  }

  static std::vector<std::string> codecs_of(const json::object& media) {
    std::vector<std::string> out;
    const auto* tracks = media.if_contains("tracks");
    if (!tracks || !tracks->is_array()) return out;
    for (const auto& track : tracks->get_array()) {
      if (track.is_object()) out.push_back(shown_words(text_of(track.get_object(), "codec_id_name")));
    }
    return out;
  }

  void take_snapshot(const std::string& url, const Done<std::string>& done) {
    network::HttpCall call;
    call.method = "POST";
    call.url = address_.base_url + "/index/api/getSnap";
    call.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    call.authorities = address_.authorities;
    call.timeout = std::chrono::seconds(15);
    call.body =
        encode_form({{"url", url}, {"timeout_sec", "10"}, {"expire_sec", "1"}, {"secret", address_.secret.reveal()}});
    client_->call(std::move(call), [done](Result<network::HttpReply> reply) {
      if (!reply) return done(reply.error());
      // A picture, or JSON that says why there is none; without the stream, its own logo as PNG.
      if (reply->status == 200 && reply->body.starts_with("\xFF\xD8")) return done(std::move(reply->body));
      const auto answer = read_object("ZLMediaKit", *reply);
      done(Error(Errc::job_failed, answer ? "ZLMediaKit takes no snapshot: " + shown_words(text_of(*answer, "msg"))
                                          : "ZLMediaKit has no picture of the stream"));
    });
  }

  const std::shared_ptr<network::HttpClient> client_;
  const ServerAddress address_;
};

}  // namespace

std::shared_ptr<ServerApi> zlmediakit(std::shared_ptr<network::HttpClient> client, ServerAddress address) {
  return std::make_shared<ZlMediaKit>(std::move(client), std::move(address));
}

std::string play_url(bool is_srs, std::string_view format, std::string_view host, const MediaPorts& ports, bool tls,
                     std::string_view app, std::string_view stream) {
  const std::uint16_t http = tls && ports.https != 0 ? ports.https : ports.http;
  const bool is_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  const std::string name = is_v6 ? fmt::format("[{}]", host) : std::string(host);
  const auto on = [&](std::string_view scheme, std::uint16_t port, std::string_view rest) {
    return port == 0 ? std::string() : fmt::format("{}{}://{}:{}{}", scheme, tls ? "s" : "", name, port, rest);
  };
  const std::string path = fmt::format("/{}/{}", app, stream);
  if (format == "rtmp") return on("rtmp", ports.rtmp, path);
  if (format == "rtsp") return is_srs ? std::string() : on("rtsp", ports.rtsp, path);
  if (format == "rtc") {
    return is_srs ? on("http", ports.rtc, fmt::format("/rtc/v1/whep/?app={}&stream={}", app, stream))
                  : on("http", http, fmt::format("/index/api/webrtc?app={}&stream={}&type=play", app, stream));
  }
  if (is_srs) {
    if (format == "flv") return on("http", http, path + ".flv");
    if (format == "hls") return on("http", http, path + ".m3u8");
    if (format == "ts") return on("http", http, path + ".ts");
    return {};
  }
  if (format == "flv") return on("http", http, path + ".live.flv");
  if (format == "ts") return on("http", http, path + ".live.ts");
  if (format == "mp4") return on("http", http, path + ".live.mp4");
  if (format == "hls") return on("http", http, path + "/hls.m3u8");
  return {};
}

}  // namespace jl::media
