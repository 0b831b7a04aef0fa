#pragma once
// Downloads one file over HTTP or HTTPS, with redirects, into whatever takes its bytes. Blocks its thread, for as long
// as bytes arrive; looks up names, so call it where that may take time. Over libcurl: proxies of the environment count
// (http_proxy, https_proxy, no_proxy). It has no credentials of its own to send (no cookies, no .netrc); those that a
// URL brings go to that URL's host and port alone.
#include "common/base/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace jl::network {

inline constexpr std::size_t kMaxUrl = 4096;  ///< bytes of a URL

struct FetchOptions {
  std::string url;                                    ///< http or https, absolute
  std::uint64_t max_size = std::uint64_t{4} << 30u;   ///< bytes of the file; more is too_large
  std::chrono::milliseconds connect_timeout{10'000};  ///< of each connection: name, TCP and TLS
  std::uint32_t stall_rate = 1024;                    ///< bytes a second; slower than this ...
  std::chrono::seconds stall_time{30};                ///< ... for so long ends it, also before the first byte
  int max_redirects = 5;
  std::string authorities{};             ///< PEM of those who are trusted; "" = the system's
  const std::atomic<bool>* cancelled{};  ///< set to end it early; nullptr = never
};

struct FetchProgress {
  std::uint64_t received = 0;            ///< bytes, this piece among them
  std::optional<std::uint64_t> total{};  ///< when the server says it
};
/// Takes the next piece of the file. An error ends the download and is what fetch() answers.
using FetchSink = std::function<Status(std::string_view piece, const FetchProgress& progress)>;

struct FetchReport {
  int status = 0;          ///< of HTTP, after all redirects
  std::uint64_t size = 0;  ///< bytes that the sink got
  std::string url;         ///< where they came from in the end; user, password and query left out
};

/// Only a whole answer 200 is a success. Errors: invalid (no URL of these schemes; field "url"), job_failed (look-up,
/// connection, TLS, another HTTP status, which is then member "httpStatus", too many redirects, cut off in the middle),
/// timeout (connecting, or stalled), too_large, unavailable (cancelled), those of the sink. Messages show no
/// credentials.
[[nodiscard]] Result<FetchReport> fetch(const FetchOptions& options, const FetchSink& sink);

/// Whether fetch() would begin with it. Errors: invalid.
[[nodiscard]] Status check_url(const std::string& url);

}  // namespace jl::network
