#pragma once
// Calls to HTTP(S) servers of others: media servers, cloud platforms. One thread of its own drives libcurl's multi
// interface, so a call blocks nobody, and connections are kept and reused. Proxies of the environment do not count;
// redirects are not followed; certificates are verified.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace jl::network {

struct HttpCall {
  std::string method = "GET";
  std::string url;                                           ///< http or https, absolute; its query may hold secrets
  std::vector<std::pair<std::string, std::string>> headers;  ///< a Content-Type too, if there is a body
  std::string body;
  std::string username;  ///< of Basic authentication; "" = none
  Secret password;
  std::string authorities;                           ///< PEM of those who are trusted; "" = the system's
  std::chrono::milliseconds connect_timeout{3'000};  ///< name, TCP and TLS
  std::chrono::milliseconds timeout{10'000};         ///< of all of it
  std::size_t max_body = std::size_t{4} << 20u;      ///< bytes of the answer; more is too_large
};

struct HttpReply {
  int status = 0;
  std::string content_type, body;
};

/// Called once, on the client's thread: go on elsewhere by IoThread::post. Errors: invalid (URL), network (no
/// connection, cut off), timeout, too_large, busy (too many calls wait), unavailable (the client stops). An HTTP
/// status is no error. Messages name host and port, never path, query or credentials.
using HttpDone = std::function<void(Result<HttpReply>)>;

class HttpClient {
 public:
  static constexpr std::size_t kMaxCalls = 4096;  ///< on their way and waiting
  static constexpr long kMaxPerHost = 16;         ///< connections to one host; more calls wait their turn

  HttpClient();
  /// As stop().
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  /// Any thread.
  void call(HttpCall call, HttpDone done);
  /// Ends what is on its way with `unavailable`; every `done` was called when it returns. Idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::network
