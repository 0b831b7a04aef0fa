#pragma once
// What a media server (流媒体服务) can be asked, whatever its maker (operations.md 3.2-3.4). Calls are made on any
// thread; each `done` is called once, on the HTTP client's thread.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "daemon/network/http_client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::media {

/// How a server does (operations.md 3.2).
enum class Health : std::uint8_t {
  unknown,         ///< not asked yet
  ok,              ///< it answers, and takes our secret
  auth_failed,     ///< wrong secret
  ip_not_allowed,  ///< it does not let this machine's address in
  unreachable,     ///< no answer, or none of such a server
  degraded,        ///< it answers and takes the secret, but reports an error or is overloaded
};
[[nodiscard]] std::string_view to_string(Health health);  ///< "ok", "auth_failed", ...

/// Ports where streams are played; 0 = not known.
struct MediaPorts {
  std::uint16_t http = 0, https = 0, rtsp = 0, rtmp = 0, rtc = 0, srt = 0;
};

/// What a check found out.
struct Checkup {
  Health health = Health::unknown;
  std::string reason;     ///< of all but ok: what the server said, or did not; no secrets
  std::string server_id;  ///< mediaServerId (ZLMediaKit), the server's own id (SRS)
  std::string version;
  MediaPorts ports;
  double load = 0;  ///< 0 to 1: the busiest of its threads (ZLMediaKit), its CPU share (SRS)
};

/// Where and as whom a server is reached.
struct ServerAddress {
  std::string base_url;  ///< "http://10.0.0.5:8180", without a slash at its end
  Secret secret;
  std::string authorities{};  ///< PEM of those who are trusted over https; "" = the system's
};

/// A stream that a server carries.
struct Stream {
  std::string app, stream, origin;
  std::vector<std::string> schemas;  ///< rtsp, rtmp, hls, ...
  std::vector<std::string> codecs;   ///< "H264", "mpeg4-generic", of its tracks
  std::int64_t readers = 0, bytes_per_second = 0, alive_seconds = 0;
};

/// Takes RTP of a camera.
struct RtpRequest {
  std::string stream;
  std::uint16_t port = 0;             ///< 0 = the server chooses
  int tcp_mode = 0;                   ///< 0 UDP, 1 TCP passive and UDP
  std::optional<std::uint32_t> ssrc;  ///< accept this one only
};

class ServerApi {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;
  using Finished = std::function<void(Status)>;
  virtual ~ServerApi() = default;

  virtual void check(std::function<void(Checkup)> done) = 0;
  /// The port that the camera sends to. Errors: conflict (the stream has one already), unavailable (no port is free),
  /// unsupported, those of calls.
  virtual void open_rtp(const RtpRequest& request, Done<std::uint16_t> done) = 0;
  /// One that is not there is no error.
  virtual void close_rtp(const std::string& stream, Finished done) = 0;
  virtual void list_rtp(Done<std::vector<std::string>> done) = 0;  ///< streams
  virtual void change_ssrc(const std::string& stream, std::uint32_t ssrc, Finished done) = 0;
  /// Pulls a stream from elsewhere; the key ends it. Errors: already_exists, unsupported, job_failed (the source: what
  /// the server says of it, without the URL's credentials), those of calls.
  virtual void add_proxy(const std::string& app, const std::string& stream, const std::string& url,
                         Done<std::string> done) = 0;
  virtual void remove_proxy(const std::string& key, Finished done) = 0;
  /// Nothing: it does not carry it.
  virtual void find(const std::string& app, const std::string& stream, Done<std::optional<Stream>> done) = 0;
  virtual void list(Done<std::vector<Stream>> done) = 0;
  virtual void close(const std::string& app, const std::string& stream, Finished done) = 0;
  /// A JPEG of what the stream shows. Errors: unsupported, not_found, job_failed.
  virtual void snapshot(const std::string& app, const std::string& stream, Done<std::string> done) = 0;
  /// Has the server report to this base URL: the name of the hook is appended ("/on_stream_changed"). Errors:
  /// unsupported (only its own configuration file can say that).
  virtual void install_hooks(const std::string& base_url, Finished done) = 0;
};

// Errors of calls: denied (secret, address), network, timeout, device_error (the server's own code and words).
[[nodiscard]] std::shared_ptr<ServerApi> zlmediakit(std::shared_ptr<network::HttpClient> client, ServerAddress address);
[[nodiscard]] std::shared_ptr<ServerApi> srs(std::shared_ptr<network::HttpClient> client, ServerAddress address);

/// "rtsp", "rtmp", "flv", "mp4", "hls", "ts", "rtc": the address of a stream in that form on a host; "" = it has no
/// such form (operations.md 3.3, 3.4).
[[nodiscard]] std::string play_url(bool is_srs, std::string_view format, std::string_view host, const MediaPorts& ports,
                                   bool tls, std::string_view app, std::string_view stream);

}  // namespace jl::media
