#include "daemon/network/http_request.hpp"

#include "common/base/words.hpp"
#include "daemon/network/http_text.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <forward_list>

namespace jl::network {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using BeastView = boost::beast::string_view;

std::string_view view_of(BeastView text) { return {text.data(), text.size()}; }

constexpr std::uint32_t kLeastHeader = 64;  // bytes; no request fits into less

HttpRefusal refusal_of(const error_code& error) {
  if (error == http::error::body_limit) return {413, "body over the limit"};
  if (error == http::error::bad_method) return {400, "malformed method"};
  if (error == http::error::bad_target) return {400, "malformed request target"};
  if (error == http::error::bad_version) return {400, "malformed request line"};
  if (error == http::error::bad_line_ending) return {400, "line does not end in CR LF"};
  if (error == http::error::bad_field) return {400, "malformed field name"};
  if (error == http::error::bad_value) return {400, "malformed field value"};
  if (error == http::error::bad_content_length) return {400, "malformed Content-Length"};
  if (error == http::error::multiple_content_length) return {400, "Content-Length given twice"};
  if (error == http::error::bad_transfer_encoding) return {400, "Transfer-Encoding given twice or with Content-Length"};
  return {400, "malformed request"};
}

// "GET / HTTP/2.0": a version that is well-formed and not ours (RFC 9110 §15.6.6).
bool is_other_version(std::string_view block) {
  const std::string_view line = block.substr(0, block.find("\r\n"));
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  const auto is_digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
  if (std::count(line.begin(), line.end(), ' ') != 2) return false;
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(5) && version[6] == '.' && is_digit(7);
}

}  // namespace

/// Collects what there is to know of a head. The views that it is given point into the block that it is fed, because
/// folded lines never get here.
class HttpRequestReader::HeadParser final : public http::basic_parser<true> {
 public:
  explicit HeadParser(const HttpRequestLimits& limits) {
    header_limit(UINT32_MAX);  // it is whole, and was measured
    body_limit(limits.max_body);
  }

  HttpHead head;
  HttpRefusal refusal{0};

 private:
  using field = http::field;

  void on_request_impl(http::verb /*verb*/, BeastView method, BeastView target, int version, error_code& ec) override {
    head.method = view_of(method);
    head.version = version;
    head.target = view_of(target);
    judge_target(ec);
  }
  void on_response_impl(int /*code*/, BeastView /*reason*/, int /*version*/, error_code& /*ec*/) override {}
  void on_field_impl(field name, BeastView /*text*/, BeastView value, error_code& ec) override {
    note_field(name, view_of(value), ec);
  }
  void on_header_impl(error_code& ec) override { judge_fields(ec); }
  // Bodies never get here.
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, error_code& /*ec*/) override {}
  std::size_t on_body_impl(BeastView bytes, error_code& /*ec*/) override { return bytes.size(); }
  void on_chunk_header_impl(std::uint64_t /*size*/, BeastView /*extensions*/, error_code& /*ec*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*left*/, BeastView bytes, error_code& /*ec*/) override {
    return bytes.size();
  }
  void on_finish_impl(error_code& /*ec*/) override {}

  void judge_target(error_code& ec);
  void note_field(field name, std::string_view value, error_code& ec);
  void judge_fields(error_code& ec);
  void note_once(std::string_view& noted, std::string_view value, error_code& ec) {
    if (noted.data() != nullptr) return fail(ec, 400, "a field is given twice");
    noted = value;
  }
  void note_joined(std::string_view& noted, std::string_view value);
  void fail(error_code& ec, int status, std::string_view detail) {
    refusal = {status, detail};
    ec = http::error::bad_value;
  }

  std::string_view host_;
  std::string_view expectation_;
  std::string_view transfer_encoding_;
  std::forward_list<std::string> joined_;  // values of several lines, which views in head point into
};

void HttpRequestReader::HeadParser::judge_target(error_code& ec) {
  if (head.method == "CONNECT") return fail(ec, 501, "this is no proxy");
  const auto parts = split_target(head.target);
  if (!parts || (parts->path == "*" && head.method != "OPTIONS")) return fail(ec, 400, "malformed request target");
  auto path = decode_path(parts->path);
  if (!path) return fail(ec, 400, "malformed escape in the path");
  head.path = std::move(*path);
  head.target = parts->path;
  head.query = parts->query;
}

void HttpRequestReader::HeadParser::note_field(field name, std::string_view value, error_code& ec) {
  switch (name) {
    case field::host:
      return note_once(host_, value, ec);
    case field::authorization:
      return note_once(head.authorization, value, ec);
    case field::content_type:
      return note_once(head.content_type, value, ec);
    case field::transfer_encoding:
      return note_once(transfer_encoding_, value, ec);
    case field::sec_websocket_key:
      return note_once(head.websocket_key, value, ec);
    case field::sec_websocket_version:
      return note_once(head.websocket_version, value, ec);
    case field::expect:
      return note_once(expectation_, value, ec);
    case field::range:
      return note_joined(head.range, value);
    case field::if_range:
      return note_joined(head.if_range, value);
    case field::if_match:
      return note_joined(head.if_match, value);
    case field::if_none_match:
      return note_joined(head.if_none_match, value);
    case field::if_modified_since:
      return note_joined(head.if_modified_since, value);
    case field::if_unmodified_since:
      return note_joined(head.if_unmodified_since, value);
    case field::upgrade:
      head.upgrades |= has_token(value, "websocket");
      return;
    case field::connection:
      head.connection_agrees |= has_token(value, "upgrade");
      return;
    case field::sec_websocket_extensions:
      head.websocket_extensions.append(head.websocket_extensions.empty() ? "" : ", ").append(value);
      return;
    default:
      return;
  }
}

void HttpRequestReader::HeadParser::note_joined(std::string_view& noted, std::string_view value) {
  if (noted.data() == nullptr) {
    noted = value;
    return;
  }
  auto text =
      std::find_if(joined_.begin(), joined_.end(), [&](const std::string& s) { return s.data() == noted.data(); });
  if (text == joined_.end()) {
    joined_.emplace_front(noted);
    text = joined_.begin();
  }
  text->append(", ").append(value);
  noted = *text;
}

void HttpRequestReader::HeadParser::judge_fields(error_code& ec) {
  if (head.version >= 11 && host_.data() == nullptr) return fail(ec, 400, "Host is missing");
  if (transfer_encoding_.data() != nullptr) {
    // Each of these could be understood in two ways by two servers in a row (RFC 9112 §6.1, §6.3).
    if (head.version < 11) return fail(ec, 400, "Transfer-Encoding in HTTP/1.0");
    if (!chunked()) return fail(ec, 400, "Transfer-Encoding does not end in chunked");
    if (!iequals(transfer_encoding_, "chunked")) return fail(ec, 501, "only chunked is understood");
  }
  head.keep_alive = keep_alive();
  head.has_body = !is_done();
  if (head.version < 11 || expectation_.empty()) return;  // RFC 9110 §10.1.1
  if (!iequals(expectation_, "100-continue")) return fail(ec, 417, "only 100-continue can be expected");
  head.expects_continue = head.has_body;
}

HttpRequestReader::HttpRequestReader(const HttpRequestLimits& limits)
    : limits_{std::max(limits.max_header, kLeastHeader), limits.max_body} {}
HttpRequestReader::~HttpRequestReader() = default;

const HttpHead& HttpRequestReader::head() const { return parser_->head; }

HttpRequestReader::Step HttpRequestReader::refuse(int status, std::string_view detail) {
  refusal_ = {status, detail};
  return Step::refused;
}

HttpRequestReader::Step HttpRequestReader::take(std::string_view& in) {
  return parser_ == nullptr ? take_head(in) : take_body(in);
}

// ---- the head

HttpRequestReader::Step HttpRequestReader::take_head(std::string_view& in) {
  while (!in.empty()) {
    if (const Step step = take_line(in); step != Step::more) return step;
  }
  return Step::more;
}

// Line by line, because a head that is never whole must be refused as well, and at the same byte however it comes.
HttpRequestReader::Step HttpRequestReader::take_line(std::string_view& in) {
  const bool is_first = line_begin_ == 0;
  if (block_.size() == line_begin_) {
    const char c = in.front();
    if (is_first && !is_token_char(c)) return refuse(400, "malformed method");
    if (c == ' ' || c == '\t') return refuse(400, "folded field line");  // RFC 9112 §5.2
  }
  const std::string_view room = in.substr(0, limits_.max_header - block_.size());
  const std::size_t end = std::min(room.find('\n'), room.size() - 1) + 1;
  block_.append(room, 0, end);
  in.remove_prefix(end);
  if (block_.back() != '\n') {
    if (block_.size() < limits_.max_header) return Step::more;
    return is_first ? refuse(414, "request line over the limit") : refuse(431, "fields over the limit");
  }
  const std::size_t length = block_.size() - line_begin_;
  if (length < 2 || block_[block_.size() - 2] != '\r') return refuse(400, "line does not end in CR LF");
  line_begin_ = block_.size();
  if (length == 2) return parse_head();
  if (block_.size() < limits_.max_header) return Step::more;
  return refuse(431, "fields over the limit");
}

HttpRequestReader::Step HttpRequestReader::parse_head() {
  auto parser = std::make_unique<HeadParser>(limits_);
  error_code ec;
  const std::size_t used = parser->put(boost::asio::buffer(block_), ec);
  if (parser->refusal.status != 0) return refuse(parser->refusal.status, parser->refusal.detail);
  if (ec == http::error::bad_version && is_other_version(block_)) return refuse(505, "only HTTP/1.1 is understood");
  if (ec || !parser->is_header_done() || used != block_.size()) {
    refusal_ = refusal_of(ec);
    return Step::refused;
  }
  parser_ = std::move(parser);
  if (parser_->chunked()) {
    chunks_.emplace(limits_.max_header, limits_.max_body);
  } else {
    left_ = parser_->content_length().value_or(0);
  }
  return Step::head;
}

// ---- the body

HttpRequestReader::Step HttpRequestReader::take_body(std::string_view& in) {
  if (chunks_) return take_chunks(in);
  const std::string_view part = in.substr(0, left_);
  body_.append(part);
  in.remove_prefix(part.size());
  left_ -= part.size();
  return left_ == 0 ? Step::complete : Step::more;
}

HttpRequestReader::Step HttpRequestReader::take_chunks(std::string_view& in) {
  switch (chunks_->take(in, body_)) {
    case HttpChunks::Step::more:
      return Step::more;
    case HttpChunks::Step::complete:
      return Step::complete;
    case HttpChunks::Step::malformed:
      return refuse(400, "malformed chunk");
    case HttpChunks::Step::line_over:
      return refuse(431, "chunk line or trailers over the limit");
    case HttpChunks::Step::body_over:
      return refuse(413, "body over the limit");
  }
  return Step::refused;
}

}  // namespace jl::network
