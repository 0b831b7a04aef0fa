// Bodies that are files: from the socket to the disk, a piece at a time.
#include "daemon/control/connection.hpp"
#include "daemon/control/keep_file.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

// GCC 12: no braces and no lambda with captures on a line with co_await.
namespace jl::control {
namespace {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using Incoming = store::FileStore::Incoming;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPiece = 256u << 10u;  // bytes written at once

// These two run on the disk's threads; the connection waits for them, and so keeps what they refer to.
asio::awaitable<Status> write(Incoming* incoming, std::string_view piece) { co_return incoming->write(piece); }
asio::awaitable<Result<store::StoredFile>> keep(Incoming* incoming, const std::optional<Sign>* sign) {
  co_return keep_file(*incoming, *sign);
}

}  // namespace

// The time limit is for each wait, not for the whole: a slow caller is fine, a silent one is not. Whatever goes wrong,
// the file is gone when this ends without it.
asio::awaitable<Result<store::StoredFile>> Connection::read_upload(UploadTerms terms, bool expects_continue) {
  if (!core_.options.files) co_return Error(Errc::unsupported, "this daemon takes no files");
  if (parser_->is_done()) co_return Error(Errc::bad_request, "the file is empty");
  auto begun = core_.options.files->begin(terms.max_size, terms.with_md5);
  if (!begun) co_return begun.error();
  const std::unique_ptr<Incoming> incoming = std::move(*begun);
  parser_->body_limit(terms.max_size);
  if (expects_continue) {
    const bool sent = co_await send(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
    if (!sent) co_return Error(Errc::network, "the caller went away");
  }
  std::vector<char> piece(kPiece);
  std::uint64_t total = 0;
  while (!parser_->is_done()) {
    parser_->get().body().data = piece.data();
    parser_->get().body().size = piece.size();
    boost::system::error_code ec;
    while (!ec && !parser_->is_done()) {
      limit_time(core_.options.header_timeout);
      const auto [failed, count] = co_await http::async_read_some(socket_, buffer_, *parser_, kToken);
      ec = failed;
    }
    unlimit_time();
    if (ec && ec != http::error::need_buffer) co_return broken_body(ec, terms.max_size);
    const std::size_t size = piece.size() - parser_->get().body().size;
    total += size;
    auto writing = write(incoming.get(), std::string_view(piece.data(), size));
    const Status written = co_await asio::co_spawn(core_.disk, std::move(writing), asio::use_awaitable);
    if (!written) co_return written.error();
  }
  if (total == 0) co_return Error(Errc::bad_request, "the file is empty");
  auto keeping = keep(incoming.get(), &terms.sign);
  auto stored = co_await asio::co_spawn(core_.disk, std::move(keeping), asio::use_awaitable);
  co_return stored;
}

}  // namespace jl::control
