// SRS' HTTP interface (operations.md 3.4). It publishes and plays; it pulls nothing by itself and takes no pictures.
#include "daemon/media/api_reply.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::media {
namespace json = boost::json;

namespace {

constexpr double kBusy = 0.95;  // of one core: SRS has one thread
// What SRS listens on unless its configuration says otherwise, which its API does not tell.
constexpr MediaPorts kDefaultPorts{8080, 0, 0, 1935, 1985, 0};

const json::object* object_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_object() ? &value->get_object() : nullptr;
}

class Srs final : public ServerApi, public std::enable_shared_from_this<Srs> {
 public:
  Srs(std::shared_ptr<network::HttpClient> client, ServerAddress address)
      : client_(std::move(client)), address_(std::move(address)) {}

  void check(std::function<void(Checkup)> done) override {
    call("GET", "/api/v1/versions", {},
         [self = shared_from_this(), done = std::move(done)](Result<network::HttpReply> reply) {
           Checkup out = self->read_version(reply);
           if (out.health != Health::ok) return done(std::move(out));
           self->check_load(std::move(out), done);
         });
  }

  void open_rtp(const RtpRequest& request, Done<std::uint16_t> done) override {
    if (request.tcp_mode == 0)
      return done(Error(Errc::unsupported, "SRS takes streams of cameras over TCP only", "stream_mode=TCP_PASSIVE"));
    const json::object body{{"id", request.stream}, {"ssrc", fmt::format("{:010}", request.ssrc.value_or(0))}};
    ask("POST", "/gb/v1/publish/", json::serialize(body), [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      const std::uint16_t port = port_of(*answer, "port");
      if (port == 0) return done(Error(Errc::device_error, "SRS takes the stream and names no port"));
      done(port);
    });
  }
  // It has one port for all, and gives a stream up by itself when nothing comes.
  void close_rtp(const std::string&, Finished done) override { done({}); }
  void list_rtp(Done<std::vector<std::string>> done) override { done(std::vector<std::string>{}); }
  void change_ssrc(const std::string&, std::uint32_t, Finished done) override {
    done(Error(Errc::unsupported, "SRS cannot change the SSRC of a stream"));
  }

  void add_proxy(const std::string&, const std::string&, const std::string&, Done<std::string> done) override {
    done(Error(Errc::unsupported, "SRS cannot be told to pull a stream",
               "use a ZLMediaKit, or an ingest section in srs.conf"));
  }
  void remove_proxy(const std::string&, Finished done) override { done({}); }

  void find(const std::string& app, const std::string& stream, Done<std::optional<Stream>> done) override {
    list([app, stream, done = std::move(done)](Result<std::vector<Stream>> streams) {
      if (!streams) return done(streams.error());
      for (auto& each : *streams) {
        if (each.app == app && each.stream == stream) return done(std::optional(std::move(each)));
      }
      done(std::optional<Stream>());
    });
  }

  void list(Done<std::vector<Stream>> done) override {
    streams([done = std::move(done)](Result<std::vector<Published>> published) {
      if (!published) return done(published.error());
      std::vector<Stream> out;
      for (auto& each : *published) out.push_back(std::move(each.stream));
      done(std::move(out));
    });
  }

  void close(const std::string& app, const std::string& stream, Finished done) override {
    streams([self = shared_from_this(), app, stream, done = std::move(done)](Result<std::vector<Published>> published) {
      if (!published) return done(published.error());
      const auto it = std::ranges::find_if(
          *published, [&](const Published& p) { return p.stream.app == app && p.stream.stream == stream; });
      if (it == published->end() || it->client.empty()) return done({});
      self->ask("DELETE", "/api/v1/clients/" + it->client, {}, [done](Result<json::object> answer) {
        if (!answer) return done(answer.error());
        done({});
      });
    });
  }

  void snapshot(const std::string&, const std::string&, Done<std::string> done) override {
    done(Error(Errc::unsupported, "SRS takes no pictures of streams"));
  }
  void install_hooks(const std::string&, Finished done) override {
    done(
        Error(Errc::unsupported, "SRS takes hooks from its configuration file only", "section http_hooks of srs.conf"));
  }

 private:
  struct Published {
    Stream stream;
    std::string client;  // who publishes it
  };

  void call(const char* method, const std::string& path, std::string body, network::HttpDone done) {
    network::HttpCall out;
    out.method = method;
    out.url = address_.base_url + path;
    out.body = std::move(body);
    out.authorities = address_.authorities;
    if (!out.body.empty()) out.headers.emplace_back("Content-Type", "application/json");
    if (!address_.secret.empty()) {
      const std::string& secret = address_.secret.reveal();
      const std::size_t colon = secret.find(':');
      // "user:password", or the password of the user that SRS' own configuration calls admin.
      out.username = colon == std::string::npos ? "admin" : secret.substr(0, colon);
      out.password = Secret(colon == std::string::npos ? secret : secret.substr(colon + 1));
    }
    client_->call(std::move(out), std::move(done));
  }

  void ask(const char* method, const std::string& path, std::string body,
           std::function<void(Result<json::object>)> done) {
    call(method, path, std::move(body), [done = std::move(done)](Result<network::HttpReply> reply) {
      if (!reply) return done(reply.error());
      if (reply->status == 401) return done(Error(Errc::device_error, "SRS refuses the secret"));
      auto answer = read_object("SRS", *reply);
      if (!answer) return done(answer.error());
      if (const auto code = number_of(*answer, "code"); code != 0)
        return done(Error(Errc::device_error, fmt::format("SRS answers with code {}", code)));
      done(std::move(answer));
    });
  }

  Checkup read_version(const Result<network::HttpReply>& reply) const {
    Checkup out;
    const auto because = [&](Health health, std::string reason) {
      out.health = health;
      out.reason = std::move(reason);
      return out;
    };
    if (!reply) return because(Health::unreachable, reply.error().message);
    if (reply->status == 401) return because(Health::auth_failed, "it refuses the secret");
    if (reply->status == 403) return because(Health::ip_not_allowed, "it does not let this machine's address in");
    const auto answer = read_object("SRS", *reply);
    if (!answer || !answer->contains("code"))
      return because(Health::unreachable, answer ? address_.base_url + " is no SRS" : answer.error().message);
    if (const auto code = number_of(*answer, "code"); code != 0)
      return because(Health::degraded, fmt::format("it answers with code {}", code));
    out.server_id = shown_words(text_of(*answer, "server"));
    if (const auto* data = object_in(*answer, "data")) out.version = shown_words(text_of(*data, "version"));
    out.ports = kDefaultPorts;
    out.health = Health::ok;
    return out;
  }

  void check_load(Checkup checkup, const std::function<void(Checkup)>& done) {
    ask("GET", "/api/v1/summaries", {}, [checkup = std::move(checkup), done](Result<json::object> answer) mutable {
      const auto* data = answer ? object_in(*answer, "data") : nullptr;
      const auto* self = data ? object_in(*data, "self") : nullptr;
      if (!self) {
        checkup.health = Health::degraded;
        checkup.reason = "it does not say how busy it is";
        return done(std::move(checkup));
      }
      checkup.load = std::clamp(real_of(*self, "cpu_percent"), 0.0, 1.0);
      if (checkup.load > kBusy) {
        checkup.health = Health::degraded;
        checkup.reason = fmt::format("it is busy {:.0f} % of the time", checkup.load * 100);
      }
      done(std::move(checkup));
    });
  }

  void streams(Done<std::vector<Published>> done) {
    ask("GET", "/api/v1/streams?count=10000", {}, [done = std::move(done)](Result<json::object> answer) {
      if (!answer) return done(answer.error());
      std::vector<Published> out;
      const auto* streams = answer->if_contains("streams");
      if (!streams || !streams->is_array()) return done(std::move(out));
      for (const auto& each : streams->get_array()) {
        if (each.is_object()) read_stream(each.get_object(), out);
      }
      done(std::move(out));
    });
  }

  static void read_stream(const json::object& from, std::vector<Published>& out) {
    const auto* publish = object_in(from, "publish");
    const auto* active = publish ? publish->if_contains("active") : nullptr;
    if (!active || !active->is_bool() || !active->get_bool()) return;  // only viewers are there
    Published& to = out.emplace_back();
    const std::string client = text_of(*publish, "cid");
    const bool is_id = std::ranges::all_of(client, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
    if (is_id) to.client = client;  // it goes into a path
    to.stream.app = text_of(from, "app");
    to.stream.stream = text_of(from, "name");
    to.stream.origin = "publish";
    to.stream.schemas = {"rtmp", "flv", "hls"};
    to.stream.readers = std::max<std::int64_t>(0, number_of(from, "clients") - 1);
    to.stream.alive_seconds = number_of(from, "live_ms") / 1000;
    if (const auto* kbps = object_in(from, "kbps"))
      to.stream.bytes_per_second = number_of(*kbps, "recv_30s") * 1000 / 8;
    for (const char* kind : {"video", "audio"}) {
      if (const auto* track = object_in(from, kind)) to.stream.codecs.push_back(shown_words(text_of(*track, "codec")));
    }
  }

  const std::shared_ptr<network::HttpClient> client_;
  const ServerAddress address_;
};

}  // namespace

std::shared_ptr<ServerApi> srs(std::shared_ptr<network::HttpClient> client, ServerAddress address) {
  return std::make_shared<Srs>(std::move(client), std::move(address));
}

}  // namespace jl::media
