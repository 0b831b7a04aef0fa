#pragma once
// Calls to jlinkd: requests over the control socket, replies as JSON, problems as errors. One connection, kept between
// calls; waits are bounded by --timeout.
#include "cli/http.hpp"
#include "common/base/secret.hpp"
#include "common/control/sign.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace jl::cli {

namespace json = boost::json;

struct Request {
  std::string method = "GET";
  std::string path{};                                        ///< encoded
  std::vector<std::pair<std::string, std::string>> query{};  ///< not encoded
  std::optional<json::value> body{};
  bool lines = false;    ///< ask for newline-delimited JSON
  bool endless = false;  ///< the reply has no end of its own: no time limit after its head
  Deadline until{};      ///< of an endless reply: no longer than this, whatever arrives
  /// Called now and then while an endless reply brings nothing (kIdleEvery).
  std::function<void()> idle{};
  bool hide_body = false;  ///< --debug tells only the size of the body
};

/// A file on its way to the daemon, read as it is sent.
struct Upload {
  std::string purpose;                  ///< of control::kUploadPurposes
  std::optional<std::uint64_t> size{};  ///< bytes, when they are known
  std::optional<control::Sign> sign{};  ///< what the daemon is to compare it with
  /// Reads up to `most` bytes; 0 at the end. Errors end the upload.
  std::function<Result<std::size_t>(char* to, std::size_t most)> read{};
  std::function<void(std::uint64_t sent)> progress{};
};

struct ClientOptions {
  std::string socket;
  std::chrono::milliseconds time_limit{30'000};                ///< 0 = none
  std::chrono::milliseconds connect_retry{0};                  ///< how long to go on trying to connect
  std::vector<std::pair<std::string, std::string>> headers{};  ///< sent with every request
  std::function<void(std::string_view line)> trace{};          ///< --debug; gets no secrets
  std::function<void(std::string_view text)> warn{};
};

class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}

  /// Errors: those of connect_socket, timeout, unavailable, version_mismatch, and whatever problem the daemon answers.
  [[nodiscard]] Result<json::value> call(const Request& request);
  /// Sends a file and answers its id. The time limit is for each piece of it: it bounds silence, not the whole.
  /// Errors: as those of call(), those of reading.
  [[nodiscard]] Result<std::string> upload(const Upload& upload);
  /// HEAD: whether the path exists.
  [[nodiscard]] Result<bool> exists(const std::string& path);
  /// Gets values as they arrive, one per line; a reply that is not in lines counts as one line. The taker answers false
  /// to stop. While values arrive, the time limit starts anew with each.
  using Taker = std::function<Result<bool>(json::value&& value)>;
  [[nodiscard]] Status stream(const Request& request, const Taker& taker);

  /// Jlinkd-Request-Id of the last reply.
  [[nodiscard]] const std::string& request_id() const { return request_id_; }
  /// A text that --debug must never show, wherever it stands.
  void keep_secret(const Secret& secret) { secrets_.push_back(secret); }
  void set_time_limit(std::chrono::milliseconds limit) { options_.time_limit = limit; }

 private:
  Result<ReplyHead> start(const Request& request);
  Result<ReplyHead> attempt(const Request& request, const std::string& bytes);
  Result<ReplyHead> exchange(const std::string& bytes);
  Status connect_anew();
  Result<bool> send_file(const Upload& upload, const std::string& head);
  Status check_version(const ReplyHead& head);
  Result<std::string> read_all(const ReplyHead& head, bool has_body);
  Error problem(const ReplyHead& head, bool has_body);
  [[nodiscard]] std::string encode_head(const Request& request) const;
  [[nodiscard]] std::string encode(const Request& request) const;
  void trace_request(const Request& request) const;
  void trace_reply(const ReplyHead& head) const;
  void trace_json(std::string_view mark, const json::value& value) const;

  static constexpr std::chrono::milliseconds kIdleEvery{250};
  static constexpr std::size_t kMaxReply = std::size_t{512} << 20U;
  static constexpr std::size_t kMaxLine = std::size_t{64} << 20U;
  ClientOptions options_;
  std::unique_ptr<HttpConnection> connection_;
  std::string request_id_;
  std::vector<Secret> secrets_;
  bool warned_ = false;
};

}  // namespace jl::cli
