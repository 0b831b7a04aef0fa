#pragma once
// The control socket: HTTP/1.1 + JSON over a Unix stream socket. It knows who calls (SO_PEERCRED), checks the role by
// the command table, bounds everything a caller can grow, and leaves one access-log record for every change and every
// refusal. What a call means is the handler's business.
#include "common/control/commands.hpp"
#include "common/control/problem.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/control/roles.hpp"
#include "daemon/store/file_store.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace jl::logs {
class AccessLog;
}

namespace jl::control {

/// One authorised, parsed call.
struct Call {
  const Command* command = nullptr;
  std::string id;  ///< {id} of the path
  std::multimap<std::string, std::string, std::less<>> query;
  boost::json::object body;
  std::optional<store::StoredFile> file;  ///< of an upload: what the body has become
  Caller caller;
  std::string request_id;  ///< the server's own, for logs
  bool wants_ndjson = false;

  [[nodiscard]] std::string_view param(std::string_view key) const {
    const auto it = query.find(key);
    return it == query.end() ? std::string_view() : std::string_view(it->second);
  }
  /// ?key, ?key=true
  [[nodiscard]] bool flag(std::string_view key) const {
    const auto it = query.find(key);
    return it != query.end() && (it->second.empty() || it->second == "true");
  }
};

/// What the access log says of a call besides who and when.
struct CallNotes {
  std::string object;  ///< "network/mqtt-1"
  std::uint64_t revision_before = 0, revision_after = 0;
};

/// The way back to the caller. Thread-safe; exactly one of json(), text(), problem() or a stream ends the call.
/// Dropping it unanswered answers with an internal error.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void json(int status, boost::json::value body) = 0;
  virtual void text(int status, std::string content_type, std::string body) = 0;
  virtual void problem(const Error& error) = 0;
  virtual void notes(CallNotes notes) = 0;

  /// Begins an NDJSON stream (chunked). Errors after this go out as a line {"error": problem}.
  virtual void start_stream() = 0;
  /// Queues one line (without newline). False when the caller is gone or, for `droppable` lines, when its queue (1 MiB)
  /// is full; a line that is not droppable waits in the queue up to 64 MiB and then ends the stream.
  virtual bool line(std::string text, bool droppable = false) = 0;
  virtual void end_stream() = 0;
  virtual void end_stream(const Error& error) = 0;
  /// Bytes queued and not yet sent, for producers that pace themselves.
  [[nodiscard]] virtual std::size_t queued() const = 0;
  /// Called once when the caller goes away before the end; on the server's thread, or at once when it is gone already.
  virtual void on_gone(std::function<void()> callback) = 0;
};

/// Handles one call. Called on the server's thread; must not block it.
using Handler = std::function<void(Call, std::shared_ptr<Responder>)>;

struct ServerOptions {
  std::string socket_path;   ///< its folder must exist; a stale socket is replaced, a live one is a conflict
  std::string socket_group;  ///< "" = leave as created
  RoleRules roles;
  /// To read a request's header and body; of an upload, to wait for its next bytes.
  std::chrono::seconds header_timeout{10};
  std::chrono::seconds idle_timeout{300};  ///< between requests of a kept-alive connection
  std::size_t max_pending =
      64;  ///< calls being handled at once; more are answered `busy`; a caller that left frees its place
  store::FileStore* files = nullptr;  ///< takes uploads; without it they are refused. Outlives the server
};

class Server {
 public:
  /// Binds and listens on its own thread. Errors: conflict (a live daemon answers there), denied, storage, invalid
  /// (path too long).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler,
                                                             logs::AccessLog& access_log, const Clock& clock);
  /// Stops accepting, lets calls in progress end for at most `drain`, ends streams, removes the socket.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  /// New roles, from the next call on. Any thread.
  virtual void set_roles(RoleRules roles) = 0;
  virtual ~Server() = default;
};

}  // namespace jl::control
