#include "cli/client.hpp"

#include "cli/output/json_text.hpp"
#include "common/control/api.hpp"
#include "common/control/problem.hpp"
#include "common/text/redact.hpp"

#include <algorithm>
#include <charconv>

namespace jl::cli {
namespace {

using std::chrono::milliseconds;

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 128;
  json::value value = json::parse(json::string_view(text), ec, {}, options);
  if (ec) return Error(Errc::failed, "the daemon's answer is not JSON: " + ec.message());
  return value;
}

// A reply to HEAD has no body to say more.
Errc code_of_status(int status) {
  for (const Errc code : {Errc::not_found, Errc::denied, Errc::version_mismatch, Errc::rate_limited, Errc::unavailable,
                          Errc::timeout, Errc::too_large, Errc::bad_request}) {
    if (info(code).http_status == status) return code;
  }
  return Errc::failed;
}

void mask(json::value& value, const std::vector<Secret>& secrets) {
  if (auto* object = value.if_object()) {
    for (auto& item : *object) mask(item.value(), secrets);
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) mask(item, secrets);
  } else if (const auto* text = value.if_string()) {
    const std::string_view view = *text;
    const bool secret =
        std::ranges::any_of(secrets, [&](const Secret& s) { return !s.empty() && view.find(s.reveal()) != view.npos; });
    if (secret) value = text::kMask;
  }
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

bool may_be_tried_again(Errc code) {
  return code == Errc::no_socket || code == Errc::not_running || code == Errc::busy || code == Errc::unavailable;
}

}  // namespace

// Without what is said of the body, and without the empty line.
std::string Client::encode_head(const Request& request) const {
  std::string out = request.method + " " + request.path;
  char separator = '?';
  for (const auto& [key, value] : request.query) {
    out += separator + percent_encode(key) + "=" + percent_encode(value);
    separator = '&';
  }
  out += " HTTP/1.1\r\nHost: jlinkd\r\n";
  const auto header = [&](std::string_view name, std::string_view value) { add_header(out, name, value); };
  header(control::kHeaderClientApi, control::kApiVersion);
  header("Accept", request.lines ? control::kNdjson : control::kJson);
  for (const auto& [name, value] : options_.headers) header(name, value);
  return out;
}

std::string Client::encode(const Request& request) const {
  std::string out = encode_head(request);
  if (request.body) {
    const std::string body = json::serialize(*request.body);
    add_header(out, "Content-Type", control::kJson);
    add_header(out, "Content-Length", std::to_string(body.size()));
    out += "\r\n" + body;
  } else {
    if (request.method != "GET" && request.method != "HEAD") add_header(out, "Content-Length", "0");
    out += "\r\n";
  }
  return out;
}

Result<ReplyHead> Client::exchange(const std::string& bytes) {
  const Deadline deadline(options_.time_limit);
  JL_CHECK(connection_->send(bytes, deadline));
  return connection_->read_head(deadline);
}

Result<ReplyHead> Client::attempt(const Request& request, const std::string& bytes) {
  if (connection_ && connection_->reusable()) {
    Result<ReplyHead> head = exchange(bytes);
    // The daemon may have closed a connection that was idle; asking again is safe only for questions.
    const bool question = request.method == "GET" || request.method == "HEAD";
    if (head || connection_->heard() || !question || head.error().code == Errc::timeout) return head;
  }
  connection_.reset();
  JL_TRY(const int fd, connect_socket(options_.socket, options_.time_limit));
  connection_ = std::make_unique<HttpConnection>(fd);
  return exchange(bytes);
}

Result<ReplyHead> Client::start(const Request& request) {
  const std::string bytes = encode(request);
  trace_request(request);
  const Deadline retries(options_.connect_retry.count() > 0 ? options_.connect_retry : milliseconds(1));
  milliseconds pause(50);
  for (;;) {
    Result<ReplyHead> head = attempt(request, bytes);
    Errc refusal = Errc::failed;
    if (!head) {
      // A connection that broke midway may have been a call that was carried out.
      if (!connection_) refusal = head.error().code;
    } else if (head->status == info(Errc::unavailable).http_status) {
      refusal = Errc::unavailable;
    }
    if (options_.connect_retry.count() == 0 || !may_be_tried_again(refusal) || retries.passed()) {
      if (!head) {
        connection_.reset();
        return head.error();
      }
      trace_reply(*head);
      request_id_ = head->header("jlinkd-request-id");
      JL_CHECK(check_version(*head));
      return head;
    }
    connection_.reset();
    sleep_for(pause);
    pause = std::min(pause * 2, milliseconds(500));
  }
}

Status Client::check_version(const ReplyHead& head) {
  const std::string_view api = head.header("jlinkd-api");
  int major = 0;
  int minor = 0;
  const auto [dot, ec] = std::from_chars(api.data(), api.data() + api.size(), major);
  if (ec != std::errc{} || dot == api.data() + api.size() || *dot != '.') {
    return Error(Errc::version_mismatch, "what answers on the control socket is not jlinkd", "is --socket right?");
  }
  std::from_chars(dot + 1, api.data() + api.size(), minor);
  if (major != control::kApiMajor) {
    return Error(Errc::version_mismatch,
                 "jlinkd " + std::string(head.header("jlinkd-version")) + " speaks API " + std::string(api) +
                     ", jlctl " + std::string(control::kProgramVersion) + " speaks " +
                     std::string(control::kApiVersion),
                 "install jlctl and jlinkd of the same release");
  }
  if (minor != control::kApiMinor && !warned_ && options_.warn) {
    warned_ = true;
    options_.warn("jlinkd speaks API " + std::string(api) + ", jlctl " + std::string(control::kApiVersion) +
                  "; what is newer than either is not there");
  }
  return {};
}

Result<std::string> Client::read_all(const ReplyHead& head, bool has_body) {
  std::string body;
  const Deadline deadline(options_.time_limit);
  Status status = connection_->read_body(
      head, has_body, [&] { return deadline; },
      [&](std::string_view piece) -> Result<bool> {
        if (body.size() + piece.size() > kMaxReply)
          return Error(Errc::too_large, "the daemon's answer is larger than 512 MiB");
        body += piece;
        return true;
      });
  if (!status) {
    connection_.reset();
    return status.error();
  }
  return body;
}

Error Client::problem(const ReplyHead& head, bool has_body) {
  const Result<std::string> body = read_all(head, has_body);
  if (!body) return body.error();
  if (!has_body) return {code_of_status(head.status), "the daemon answered " + std::to_string(head.status)};
  if (options_.trace) {
    if (const auto value = parse_json(*body)) trace_json("<", *value);
  }
  return control::from_problem(*body, head.status);
}

Result<json::value> Client::call(const Request& request) {
  JL_TRY(const ReplyHead head, start(request));
  if (head.status < 200 || head.status > 299) return problem(head, true);
  JL_TRY(const std::string body, read_all(head, true));
  if (body.empty()) return json::value(nullptr);
  JL_TRY(json::value value, parse_json(body));
  trace_json("<", value);
  return value;
}

Result<bool> Client::exists(const std::string& path) {
  Request request;
  request.method = "HEAD";
  request.path = path;
  JL_TRY(const ReplyHead head, start(request));
  if (head.status >= 200 && head.status <= 299) return true;
  if (head.status == info(Errc::not_found).http_status) return false;
  return problem(head, false);
}

Status Client::stream(const Request& request, const Taker& taker) {
  JL_TRY(const ReplyHead head, start(request));
  if (head.status < 200 || head.status > 299) return problem(head, true);
  std::string line;
  const auto take = [&](std::string_view text) -> Result<bool> {
    if (text.find_first_not_of(" \t\r") == text.npos) return true;
    JL_TRY(json::value value, parse_json(text));
    trace_json("<", value);
    // The only way to fail once a reply has begun.
    if (const auto* object = value.if_object(); object && object->size() == 1 && object->contains("error")) {
      return control::from_problem(json::serialize(object->at("error")), 500);
    }
    return taker(std::move(value));
  };
  const bool lines = head.header("content-type").starts_with(control::kNdjson);
  const auto deadline = [&] { return request.endless ? request.until : Deadline(options_.time_limit); };
  if (request.endless && request.idle) connection_->set_idle(kIdleEvery, request.idle);
  Status status = connection_->read_body(head, true, deadline, [&](std::string_view piece) -> Result<bool> {
    if (!lines) {
      line += piece;
    } else {
      for (std::size_t end = piece.find('\n'); end != piece.npos; end = piece.find('\n')) {
        line += piece.substr(0, end);
        piece.remove_prefix(end + 1);
        JL_TRY(const bool more, take(line));
        line.clear();
        if (!more) return false;
      }
      line += piece;
    }
    if (line.size() > (lines ? kMaxLine : kMaxReply)) return Error(Errc::too_large, "the daemon's answer is too large");
    return true;
  });
  if (status && !line.empty()) {
    if (const Result<bool> last = take(line); !last) status = last.error();
  }
  if (status) {
    connection_->set_idle({}, {});
  } else {
    connection_.reset();
  }
  return status;
}

void Client::trace_json(std::string_view mark, const json::value& value) const {
  if (!options_.trace) return;
  json::value shown = value;
  mask(shown, secrets_);
  options_.trace(std::string(mark) + " " + compact_json(text::redact(shown)));
}

void Client::trace_request(const Request& request) const {
  if (!options_.trace) return;
  std::string target = request.path;
  char separator = '?';
  for (const auto& [key, value] : request.query) {
    target += separator + key + "=" + value;
    separator = '&';
  }
  options_.trace("> " + request.method + " " + target + " (" + options_.socket + ")");
  if (!request.body) return;
  if (request.hide_body) {
    options_.trace("> (" + std::to_string(json::serialize(*request.body).size()) + " bytes)");
  } else {
    trace_json(">", *request.body);
  }
}

void Client::trace_reply(const ReplyHead& head) const {
  if (!options_.trace) return;
  std::string line = "< " + std::to_string(head.status);
  for (const char* name : {"content-type", "jlinkd-version", "jlinkd-api", "jlinkd-request-id"}) {
    if (const auto value = head.header(name); !value.empty())
      line += std::string(" ") + name + "=" + std::string(value);
  }
  options_.trace(line);
}

}  // namespace jl::cli
