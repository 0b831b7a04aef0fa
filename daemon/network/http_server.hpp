#pragma once
// The HTTP server component, which also takes WebSocket connections: a listener whose connections parse requests with
// Beast and, after an upgrade, WebSocket messages with wire/websocket. It knows no routes and no devices: a handler
// answers.
#include "daemon/network/stream_connection.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::network {

class ByteBudget;
class OpenFile;

struct HttpServerOptions : StreamOptions {
  std::uint32_t max_header_bytes = 8192;        ///< request line and fields together; more: 431
  std::uint32_t max_body_bytes = 1u << 20u;     ///< more: 413
  std::chrono::seconds request_timeout{30};     ///< from the first byte of a request to its last; more: 408
  std::chrono::seconds idle_timeout{75};        ///< between requests; connect_timeout before the first
  std::map<std::string, std::string> headers;   ///< put into every response, over the server's own
  bool websocket_only = false;                  ///< anything but a handshake is answered 426
  std::uint32_t max_message_bytes = 1u << 20u;  ///< of one WebSocket message, inflated; more: close 1009
  std::chrono::seconds websocket_idle{3600};    ///< without any frame from the client; then it is closed (1001)
  std::chrono::seconds websocket_ping{30};      ///< silence after which the server pings; 0 = never
  bool compression = true;                      ///< permessage-deflate (RFC 7692), without context takeover
};

/// One request. Views are valid during the handler's call.
struct HttpRequest {
  std::string_view method;  ///< "POST"
  std::string_view path;    ///< percent-decoded, without query, trailing slashes cut off; "/" at least
  std::string_view target;  ///< as sent, without query
  std::string_view query;   ///< as sent, without '?'
  std::string_view body;
  std::string_view authorization;  ///< header; "" when absent
  std::string_view content_type;
  /// Range and preconditions (RFC 9110 §13, §14), for answer_file_request(). Several lines of one: joined by commas.
  std::string_view range{}, if_range{}, if_match{}, if_none_match{}, if_modified_since{}, if_unmodified_since{};
};

/// A part of a file as a body.
struct HttpFile {
  std::shared_ptr<const OpenFile> file{};
  std::uint64_t offset = 0, length = 0;  ///< bytes; the part must be there, or the connection ends
  std::uint64_t rate = 0;                ///< bytes per second of this body; 0 = no limit
  std::shared_ptr<ByteBudget> budget{};  ///< that it shares with other bodies; nullptr = no limit
  /// Told of bytes that left since the last call, at most once per 256 KiB, and once with `ended` as the last call:
  /// the body is sent (the calls add up to `length`), none is to be sent (HEAD, 304), or the connection is gone. On the
  /// connection's thread. It must not touch the connection. Never called for a respond() that found no request.
  std::function<void(std::uint64_t bytes, bool ended)> progress{};
};

struct HttpResponse {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
  std::string allow{};  ///< header of 405
  int retry_after = 0;  ///< seconds; 0 = no such header
  bool close = false;   ///< the connection ends with it
  /// More fields. Left out: names that are no tokens or frame the message, values with control characters (CR, LF).
  std::vector<std::pair<std::string, std::string>> headers{};
  std::shared_ptr<const HttpFile> file{};  ///< in place of `body`
};

/// State that the handler hangs on a connection. Destroyed on the connection's thread after on_close.
class HttpAttachment {
 public:
  virtual ~HttpAttachment() = default;
};

/// One client. Only its own thread touches it; others hold a weak_ptr and go through thread().post().
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  virtual ~HttpConnection() = default;
  /// Answers the request at hand; nothing when there is none any more. It leaves once the turn is committed, so an
  /// answer to what another thread did must be called for after that thread's commit. A file follows as the client
  /// takes it: that has no time limit but 60 s without any progress, and the next request waits for its end.
  virtual void respond(const HttpResponse& response) = 0;
  /// Answers a handshake with 101. From now on it is a WebSocket.
  virtual void accept_websocket() = 0;
  [[nodiscard]] virtual bool is_websocket() const = 0;
  /// Sends one message. False: it is closed, or too much is unsent.
  [[nodiscard]] virtual bool send(std::string_view message, bool text) = 0;
  /// Sends a close frame (RFC 6455 §7.4; 1014 as JetLinks uses it too), and closes.
  virtual void close_websocket(std::uint16_t code, std::string_view reason) = 0;
  [[nodiscard]] virtual std::string peer() const = 0;
  [[nodiscard]] virtual std::string_view tls_subject() const = 0;
  [[nodiscard]] virtual IoThread& thread() const = 0;
  /// Whom it turned out to be, for lists of clients.
  virtual void set_client(std::string client) = 0;
  std::unique_ptr<HttpAttachment> attachment;
};

/// Takes what the connections of a component do. Every call is on the connection's own thread.
class HttpServerHandler {
 public:
  virtual ~HttpServerHandler() = default;
  /// Answer with respond(), now or later; the connection's next request waits for that. `Expect: 100-continue`, HEAD's
  /// missing body, and everything malformed or over a limit are the server's own matter.
  virtual void on_request(HttpConnection& connection, const HttpRequest& request) = 0;
  /// A WebSocket handshake that is in order. Answer with accept_websocket() or respond(), now or later.
  virtual void on_upgrade(HttpConnection& connection, const HttpRequest& request) = 0;
  /// A whole message: text is valid UTF-8.
  virtual void on_message(HttpConnection& connection, std::string_view message, bool text) = 0;
  /// For every connection that had a call of the above; the last one. A respond() that is still due finds nobody.
  virtual void on_close(HttpConnection& connection) = 0;
};

class HttpServer {
 public:
  /// Errors: those of StreamServer::start.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, IoThreads& threads,
                                                                 std::shared_ptr<HttpServerHandler> handler);
  virtual ~HttpServer() = default;
  /// Stops accepting, ends idle connections, lets requests at hand be answered and files be sent, closes WebSockets
  /// with 1001, and waits at most `drain`. Not from an I/O thread.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  /// New limits, headers and TLS context, for connections accepted from now on. host and port are not changed.
  virtual void update(const HttpServerOptions& options) = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual const StreamCounters& counters() const = 0;
  virtual void list(std::function<void(std::vector<ConnectionInfo>)> done) const = 0;
};

}  // namespace jl::network
