// What media servers answer, and what is made of it (operations.md 3.2-3.4). The answers are shaped as ZLMediaKit
// d072f0f and the documents of SRS have them.
#include "daemon/media/server_api.hpp"

#include "tests/unit/daemon/network/http_fetch_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <future>
#include <map>

namespace jl::media {
namespace {

using network::test::Scripted;
using network::test::ScriptedHttp;

std::string http(std::string_view body, std::string_view status = "200 OK",
                 std::string_view type = "application/json") {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     type, body.size(), body);
}

constexpr std::string_view kConfig =
    R"({"code":0,"data":[{"api.secret":"canary","general.mediaServerId":"zlm-7","http.port":"8080","http.sslport":"8443",)"
    R"("rtsp.port":"554","rtmp.port":"1935","rtc.port":"8000","srt.port":"9000"}]})";
constexpr std::string_view kLoad = R"({"code":0,"data":[{"delay":0,"load":3,"name":"a"},{"delay":1,"load":12}]})";
constexpr std::string_view kVersion = R"({"code":0,"data":{"branchName":"","buildTime":"x","commitHash":"d072f0f"}})";

/// A server that answers by path, and a client of it.
class Bench {
 public:
  using Answers = std::map<std::string, std::string>;
  explicit Bench(Answers answers, bool is_srs = false)
      : answers_(std::move(answers)),
        server_([this](const std::string& head) {
          const std::size_t begin = head.find(' ') + 1;
          const std::string path = head.substr(begin, head.find_first_of(" ?", begin) - begin);
          const auto it = answers_.find(path.substr(path.rfind('/') + 1));
          return Scripted{it == answers_.end() ? http("<html>", "404 Not Found", "text/html") : it->second};
        }),
        api_(is_srs ? srs(client_, address()) : zlmediakit(client_, address())) {}
  ~Bench() { client_->stop(); }

  [[nodiscard]] ServerAddress address() const { return {server_.url(""), Secret("s3cret"), {}}; }
  [[nodiscard]] ServerApi& api() const { return *api_; }
  [[nodiscard]] std::vector<std::string> heads() const { return server_.heads(); }

  Checkup check() {
    std::promise<Checkup> done;
    api_->check([&](Checkup checkup) { done.set_value(std::move(checkup)); });
    return done.get_future().get();
  }
  /// What a call comes to: `start` is given its `done`.
  template <class T, class Start>
  T wait(Start start) {
    std::promise<T> done;
    start([&](T result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }

 private:
  Answers answers_;
  ScriptedHttp server_;
  std::shared_ptr<network::HttpClient> client_ = std::make_shared<network::HttpClient>();
  std::shared_ptr<ServerApi> api_;
};

Bench::Answers well() {
  return {{"getServerConfig", http(kConfig)}, {"getThreadsLoad", http(kLoad)}, {"version", http(kVersion)}};
}

Bench::Answers but(std::string_view name, std::string_view body) {
  auto out = well();
  out[std::string(name)] = http(body);
  return out;
}

}  // namespace

TEST_CASE("a healthy ZLMediaKit tells its ports, name, version and load (operations.md 3.2)") {
  Bench bench(well());
  const Checkup found = bench.check();
  CHECK(found.health == Health::ok);
  CHECK(found.server_id == "zlm-7");
  CHECK(found.version == "d072f0f");
  CHECK(found.ports.http == 8080);
  CHECK(found.ports.https == 8443);
  CHECK(found.ports.rtsp == 554);
  CHECK(found.ports.rtmp == 1935);
  CHECK(found.ports.rtc == 8000);
  CHECK(found.ports.srt == 9000);
  CHECK(found.load == doctest::Approx(0.12));
  for (const std::string& head : bench.heads()) CHECK(head.substr(0, head.find('\r')).find("s3cret") == head.npos);
}

TEST_CASE("wrong secret, refused address, no such server and trouble are told apart (operations.md 3.2, 3.8)") {
  struct Row {
    std::string_view body;
    Health health;
    std::string_view says;
  };
  const std::string deep = R"({"code":0,"data":)" + std::string(100, '[') + std::string(100, ']') + "}";
  for (const Row& row : {
           Row{R"({"code":-100,"cookie":"870b","msg":"Please login first"})", Health::auth_failed,
               "refuses the secret"},
           Row{R"({"code":-100,"msg":"Incorrect secret"})", Health::auth_failed, "Incorrect secret"},
           Row{R"({"code":-300,"msg":"Required parameter missed: \"secret\""})", Health::auth_failed, "secret"},
           Row{R"({"code":-100,"msg":"Your ip is not allowed to access the service."})", Health::ip_not_allowed,
               "this machine's address"},
           Row{R"({"code":-400,"msg":"std::exception"})", Health::degraded, "code -400"},
           Row{R"({"code":0})", Health::degraded, "configuration"},
           Row{R"({"code":0,"data":[7]})", Health::degraded, "configuration"},
           Row{R"({"hello":"world"})", Health::unreachable, "is no ZLMediaKit"},
           Row{R"([])", Health::unreachable, "no JSON object"},
           Row{"<html>", Health::unreachable, "no JSON object"},
           Row{R"({"code":0,"data":[{)", Health::unreachable, "no JSON object"},
           Row{deep, Health::unreachable, "no JSON object"},
       }) {
    CAPTURE(row.body);
    Bench bench(but("getServerConfig", row.body));
    const Checkup found = bench.check();
    CHECK(to_string(found.health) == to_string(row.health));
    CHECK(found.reason.find(row.says) != std::string::npos);
    CHECK(found.reason.find("s3cret") == std::string::npos);
  }
  Bench nothing({});
  CHECK(nothing.check().health == Health::unreachable);
  CHECK(nothing.check().reason == "ZLMediaKit answers with HTTP status 404");
}

TEST_CASE("a ZLMediaKit that is busy, or does not say whether it is, is degraded (operations.md 3.2)") {
  Bench busy(but("getThreadsLoad", R"({"code":0,"data":[{"load":2},{"load":99}]})"));
  CHECK(busy.check().health == Health::degraded);
  CHECK(busy.check().reason == "a thread of it is busy 99 % of the time");
  Bench silent(but("getThreadsLoad", R"({"code":-1,"msg":"no"})"));
  CHECK(silent.check().health == Health::degraded);
  Bench absurd(but("getThreadsLoad", R"({"code":0,"data":[{"load":-5},{"load":1e300},{"load":"x"},{}]})"));
  CHECK(absurd.check().load == 1.0);
}

TEST_CASE("RTP servers are opened, listed and closed; each refusal has its error (operations.md 3.3)") {
  const RtpRequest request{"cam_1", 0, 0, 1234};
  const auto open = [&](std::string_view body) {
    Bench bench({{"openRtpServer", http(body)}});
    return bench.wait<Result<std::uint16_t>>([&](auto done) { bench.api().open_rtp(request, done); });
  };
  CHECK(open(R"({"code":0,"port":30532})").value() == 30532);
  CHECK(open(R"({"code":-300,"msg":"This stream already exists"})").error().code == Errc::conflict);
  CHECK(open(R"({"code":-400,"msg":"Listen on :: 1 failed: address already in use"})").error().code ==
        Errc::unavailable);
  CHECK(open(R"({"code":0})").error().code == Errc::device_error);
  CHECK(open(R"({"code":0,"port":70000})").error().code == Errc::device_error);
  CHECK(open(R"({"code":-100,"msg":"Please login first"})").error().code == Errc::device_error);

  Bench bench({{"closeRtpServer", http(R"({"code":0,"hit":0})")},
               {"listRtpServer", http(R"({"code":0,"data":[{"stream_id":"a","port":30000},{"stream_id":"b"},5]})")},
               {"updateRtpServerSSRC", http(R"({"code":-500,"msg":"RtpServer not found by stream_id"})")}});
  CHECK(bench.wait<Status>([&](auto done) { bench.api().close_rtp("gone", done); }).has_value());
  CHECK(bench.wait<Result<std::vector<std::string>>>([&](auto done) { bench.api().list_rtp(done); }).value() ==
        std::vector<std::string>{"a", "b"});
  CHECK(bench.wait<Status>([&](auto done) { bench.api().change_ssrc("gone", 7, done); }).error().code ==
        Errc::not_found);
  Bench empty({{"listRtpServer", http(R"({"code":0})")}});
  CHECK(empty.wait<Result<std::vector<std::string>>>([&](auto done) { empty.api().list_rtp(done); }).value().empty());
}

TEST_CASE("a source that cannot be pulled is told in the server's words, without credentials (operations.md 3.3)") {
  const auto pull = [](std::string_view body) {
    Bench bench({{"addStreamProxy", http(body)}});
    return bench.wait<Result<std::string>>(
        [&](auto done) { bench.api().add_proxy("live", "cam", "rtsp://u:p@h/1", done); });
  };
  CHECK(pull(R"({"code":0,"data":{"key":"__defaultVhost__/live/cam"}})").value() == "__defaultVhost__/live/cam");
  const auto refused = pull(R"({"code":-1,"msg":"connection refused"})");
  CHECK(refused.error().code == Errc::job_failed);
  CHECK(refused.error().message == "the source: connection refused");
  CHECK(pull(R"({"code":-1,"msg":"This stream already exists"})").error().code == Errc::already_exists);
  const auto leaky = pull(R"({"code":-1,"msg":"cannot play rtsp://admin:canary@10.0.0.9/1\n"})");
  CHECK(leaky.error().message == "the source: cannot play rtsp://***@10.0.0.9/1 ");
  CHECK(pull(R"({"code":0,"data":{}})").error().code == Errc::device_error);
}

TEST_CASE("a stream has one entry, whatever the number of its schemas (operations.md 3.3)") {
  constexpr std::string_view kMedia =
      R"({"code":0,"data":[{"app":"rtp","stream":"c1","schema":"rtsp","bytesSpeed":10,"totalReaderCount":2,"aliveSecond":4,)"
      R"("originTypeStr":"rtp_push","tracks":[{"codec_id_name":"H264"},{"codec_id_name":"mpeg4-generic"}]},)"
      R"({"app":"rtp","stream":"c1","schema":"hls","bytesSpeed":30},{"app":"live","stream":"c2","schema":"rtmp"},null]})";
  Bench bench({{"getMediaList", http(kMedia)}});
  const auto all = bench.wait<Result<std::vector<Stream>>>([&](auto done) { bench.api().list(done); }).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].schemas == std::vector<std::string>{"rtsp", "hls"});
  CHECK(all[0].codecs == std::vector<std::string>{"H264", "mpeg4-generic"});
  CHECK(all[0].bytes_per_second == 30);
  CHECK(all[0].readers == 2);
  CHECK(all[1].app == "live");
  Bench none({{"getMediaList", http(R"({"code":0})")}});
  CHECK(!none.wait<Result<std::optional<Stream>>>([&](auto done) { none.api().find("rtp", "c1", done); })
             .value()
             .has_value());
}

TEST_CASE("a snapshot is a JPEG, or the reason why there is none; a logo is no picture (operations.md 3.3)") {
  const auto snap = [](const std::string& answer) {
    auto answers = well();
    answers["getSnap"] = answer;
    Bench bench(std::move(answers));
    return bench.wait<Result<std::string>>([&](auto done) { bench.api().snapshot("live", "cam", done); });
  };
  CHECK(snap(http("\xFF\xD8\xFFpicture", "200 OK", "image/jpeg")).value() == "\xFF\xD8\xFFpicture");
  CHECK(snap(http("\x89PNG", "200 OK", "image/png")).error().code == Errc::job_failed);
  CHECK(snap(http(R"({"code":-300,"msg":"Required parameter missed"})")).error().message.find("parameter missed") !=
        std::string::npos);
}

TEST_CASE("SRS tells version and load; its password is Basic authentication (operations.md 3.4)") {
  const Bench::Answers fine{{"versions", http(R"({"code":0,"server":"vid-1","data":{"major":5,"version":"5.0.213"}})")},
                            {"summaries", http(R"({"code":0,"data":{"ok":true,"self":{"cpu_percent":0.25}}})")}};
  Bench bench(fine, true);
  const Checkup found = bench.check();
  CHECK(found.health == Health::ok);
  CHECK(found.server_id == "vid-1");
  CHECK(found.version == "5.0.213");
  CHECK(found.load == doctest::Approx(0.25));
  REQUIRE(!bench.heads().empty());
  CHECK(bench.heads()[0].find("Authorization: Basic YWRtaW46czNjcmV0") != std::string::npos);  // admin:s3cret
  const auto health = [&](std::string answer) {
    auto answers = fine;
    answers["versions"] = std::move(answer);
    Bench other(answers, true);
    return other.check().health;
  };
  CHECK(health(http("", "401 Unauthorized")) == Health::auth_failed);
  CHECK(health(http("", "403 Forbidden")) == Health::ip_not_allowed);
  CHECK(health(http("", "502 Bad Gateway")) == Health::unreachable);
  CHECK(health(http(R"({"code":1061})")) == Health::degraded);
  CHECK(health(http(R"({"a":1})")) == Health::unreachable);
}

TEST_CASE("SRS' streams are those that somebody publishes; what it cannot do is unsupported (operations.md 3.4)") {
  constexpr std::string_view kStreams =
      R"({"code":0,"streams":[{"name":"cam","app":"live","clients":3,"live_ms":5000,"kbps":{"recv_30s":80},)"
      R"("publish":{"active":true,"cid":"p-1"},"video":{"codec":"H264"},"audio":{"codec":"AAC"}},)"
      R"({"name":"idle","app":"live","publish":{"active":false}},)"
      R"({"name":"odd","app":"live","publish":{"active":true,"cid":"../../x"}}]})";
  Bench bench({{"streams", http(kStreams)}, {"p-1", http(R"({"code":0})")}}, true);
  const auto all = bench.wait<Result<std::vector<Stream>>>([&](auto done) { bench.api().list(done); }).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].readers == 2);
  CHECK(all[0].bytes_per_second == 10'000);
  CHECK(all[0].codecs == std::vector<std::string>{"H264", "AAC"});
  CHECK(bench.wait<Status>([&](auto done) { bench.api().close("live", "cam", done); }).has_value());
  CHECK(bench.heads().back().starts_with("DELETE /api/v1/clients/p-1 "));
  const std::size_t asked = bench.heads().size();
  CHECK(bench.wait<Status>([&](auto done) { bench.api().close("live", "odd", done); }).has_value());
  CHECK(bench.heads().size() == asked + 1);  // the list alone
  CHECK(bench.wait<Result<std::string>>([&](auto done) { bench.api().add_proxy("a", "s", "rtsp://h/", done); })
            .error()
            .code == Errc::unsupported);
  CHECK(bench.wait<Result<std::uint16_t>>([&](auto done) {
               bench.api().open_rtp({"s", 0, 0, {}}, done);
             })
            .error()
            .code == Errc::unsupported);
}

TEST_CASE("addresses for players: every form on its port, none without one (operations.md 3.3, 3.4)") {
  const MediaPorts ports{80, 443, 554, 1935, 1985, 9000};
  const auto zlm = [&](std::string_view format, bool tls = false) {
    return play_url(false, format, "10.0.0.5", ports, tls, "rtp", "c_1");
  };
  CHECK(zlm("rtsp") == "rtsp://10.0.0.5:554/rtp/c_1");
  CHECK(zlm("rtmp") == "rtmp://10.0.0.5:1935/rtp/c_1");
  CHECK(zlm("flv") == "http://10.0.0.5:80/rtp/c_1.live.flv");
  CHECK(zlm("ts") == "http://10.0.0.5:80/rtp/c_1.live.ts");
  CHECK(zlm("mp4") == "http://10.0.0.5:80/rtp/c_1.live.mp4");
  CHECK(zlm("hls") == "http://10.0.0.5:80/rtp/c_1/hls.m3u8");
  CHECK(zlm("flv", true) == "https://10.0.0.5:443/rtp/c_1.live.flv");
  CHECK(zlm("rtc") == "http://10.0.0.5:80/index/api/webrtc?app=rtp&stream=c_1&type=play");
  CHECK(zlm("avi").empty());
  CHECK(play_url(false, "rtsp", "h", {}, false, "a", "s").empty());
  CHECK(play_url(false, "flv", "2001:db8::5", ports, false, "a", "s") == "http://[2001:db8::5]:80/a/s.live.flv");
  CHECK(play_url(true, "flv", "h", ports, false, "a", "s") == "http://h:80/a/s.flv");
  CHECK(play_url(true, "hls", "h", ports, false, "a", "s") == "http://h:80/a/s.m3u8");
  CHECK(play_url(true, "rtc", "h", ports, false, "a", "s") == "http://h:1985/rtc/v1/whep/?app=a&stream=s");
  CHECK(play_url(true, "rtsp", "h", ports, false, "a", "s").empty());
}

}  // namespace jl::media
