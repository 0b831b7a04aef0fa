// Files on their way to the daemon.
#include "cli/client.hpp"
#include "common/control/api.hpp"
#include "common/control/uploads.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPiece = 256U << 10U;

bool may_connect_later(Errc code) {
  return code == Errc::no_socket || code == Errc::not_running || code == Errc::busy || code == Errc::unavailable;
}

}  // namespace

Status Client::connect_anew() {
  connection_.reset();
  const Deadline retries(options_.connect_retry.count() > 0 ? options_.connect_retry : milliseconds(1));
  milliseconds pause(50);
  for (;;) {
    const Result<int> fd = connect_socket(options_.socket, options_.time_limit);
    if (fd) {
      connection_ = std::make_unique<HttpConnection>(*fd);
      return {};
    }
    if (options_.connect_retry.count() == 0 || !may_connect_later(fd.error().code) || retries.passed())
      return fd.error();
    sleep_for(pause);
    pause = std::min(pause * 2, milliseconds(500));
  }
}

// False when the daemon had something to say before the end, or left: there is an answer to read, or none.
Result<bool> Client::send_file(const Upload& upload, const std::string& head) {
  JL_CHECK(connection_->send(head, Deadline(options_.time_limit)));
  std::string piece;
  std::uint64_t sent = 0;
  while (!upload.size || sent < *upload.size) {
    if (connection_->has_news()) return false;
    piece.resize(upload.size ? std::min<std::uint64_t>(kPiece, *upload.size - sent) : kPiece);
    JL_TRY(const std::size_t size, upload.read(piece.data(), piece.size()));
    piece.resize(size);
    if (size == 0 && upload.size)
      return Error(Errc::usage, fmt::format("the file ended after {} of {} bytes", sent, *upload.size),
                   "it changed while it was sent; try again");
    sent += size;
    if (!upload.size) piece = fmt::format("{:x}\r\n{}\r\n", size, piece);  // of size 0: the last chunk and no trailers
    JL_CHECK(connection_->send(piece, Deadline(options_.time_limit)));
    if (upload.progress) upload.progress(sent);
    if (size == 0) break;
  }
  return true;
}

Result<std::string> Client::upload(const Upload& upload) {
  Request request;
  request.method = "POST";
  request.path = control::kUploadPath;
  request.query = {{"purpose", upload.purpose}};
  if (upload.sign) {
    request.query.emplace_back("signMethod", control::to_string(upload.sign->method));
    request.query.emplace_back("sign", upload.sign->digits);
  }
  trace_request(request);
  if (options_.trace) options_.trace(upload.size ? fmt::format("> ({} bytes)", *upload.size) : "> (bytes in chunks)");
  std::string head_text = encode_head(request) + fmt::format("Content-Type: {}\r\n", control::kBytes);
  head_text += upload.size ? fmt::format("Content-Length: {}\r\n\r\n", *upload.size)
                           : std::string("Transfer-Encoding: chunked\r\n\r\n");
  JL_CHECK(connect_anew());
  const Result<bool> sent = send_file(upload, head_text);
  if (!sent) {
    connection_.reset();
    return sent.error();
  }
  const Result<ReplyHead> head = connection_->read_head(Deadline(options_.time_limit));
  if (!head) {
    connection_.reset();
    return head.error();
  }
  trace_reply(*head);
  request_id_ = head->header("jlinkd-request-id");
  JL_CHECK(check_version(*head));
  if (head->status < 200 || head->status > 299) {
    Error refused = problem(*head, true);
    if (!*sent) connection_.reset();
    return refused;
  }
  JL_TRY(const std::string body, read_all(*head, true));
  boost::system::error_code ec;
  const json::value value = json::parse(json::string_view(body), ec);
  const auto* id = !ec && value.is_object() ? value.get_object().if_contains("fileId") : nullptr;
  if (!id || !id->is_string()) return Error(Errc::failed, "the daemon's answer names no file");
  trace_json("<", value);
  return std::string(id->get_string());
}

}  // namespace jl::cli
