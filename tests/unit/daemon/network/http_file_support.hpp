#pragma once
// A HTTP server whose handler answers everything with one file, and writes down what it hears of its leaving.
#include "daemon/network/byte_budget.hpp"
#include "daemon/network/http_file.hpp"
#include "daemon/network/open_file.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/daemon/network/http_support.hpp"
#include "tests/unit/daemon/network/tls_client.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network::test {

/// Bytes of which no two pieces are alike.
inline std::string file_content(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& c : out) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24u);
  }
  return out;
}

/// What `progress` was told of all bodies.
struct FileProgress {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<int> calls{0}, ends{0}, late{0};  ///< late: after the end of the same body
};

struct FileHouse : HttpHouse {
  explicit FileHouse(std::size_t size, bool secure = false) : content(file_content(size)) {
    std::ofstream(path, std::ios::binary) << content;
    if (secure) {
      const cert::Entry ca = make_ca();
      options.tls = server_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = false});
    }
    handler->answer = [this](HttpConnection& connection, const HttpRequest& request) {
      if (request.method == "POST") return connection.respond({.body = "posted", .content_type = "text/plain"});
      connection.respond(response_to(request));
    };
  }
  /// The server's handler refers to this.
  ~FileHouse() { stop_server(); }

  HttpResponse response_to(const HttpRequest& request) {
    const auto opened = OpenFile::open(path);
    CHECK(opened.has_value());
    HttpFileAnswer answer = answer_file_request({.method = request.method,
                                                 .range = request.range,
                                                 .if_range = request.if_range,
                                                 .if_match = request.if_match,
                                                 .if_none_match = request.if_none_match,
                                                 .if_modified_since = request.if_modified_since,
                                                 .if_unmodified_since = request.if_unmodified_since},
                                                {.size = (*opened)->size(), .etag = "v1"}, clock.now());
    HttpResponse response{
        .status = answer.status, .content_type = answer.content_type, .headers = std::move(answer.headers)};
    if (!answer.has_content()) return response;
    auto file = std::make_shared<HttpFile>(HttpFile{.file = *opened,
                                                    .offset = answer.offset,
                                                    .length = answer.length,
                                                    .rate = rate,
                                                    .budget = budget,
                                                    .progress = {}});
    file->progress = [all = progress, ended = false](std::uint64_t bytes, bool is_end) mutable {
      all->late += ended;
      ended |= is_end;
      all->bytes += bytes;
      ++all->calls;
      all->ends += is_end;
    };
    opened_file = *opened;
    response.file = std::move(file);
    return response;
  }
  /// Whether the descriptor of the file that was sent last is closed.
  [[nodiscard]] bool is_closed() {
    return run_on(threads.at(0), [this] { return opened_file.expired(); });
  }
  /// What a GET is answered, as bytes.
  [[nodiscard]] std::string whole(std::string_view fields = {}) const {
    return fmt::format(
        "HTTP/1.1 200 OK\r\n{}Content-Type: application/octet-stream\r\nContent-Length: {}\r\nAccept-Ranges: "
        "bytes\r\nETag: \"v1\"\r\n{}\r\n{}",
        kDateField, content.size(), fields, content);
  }
  [[nodiscard]] std::string part(std::size_t offset, std::size_t length) const {
    return fmt::format(
        "HTTP/1.1 206 Partial Content\r\n{}Content-Type: application/octet-stream\r\nContent-Length: "
        "{}\r\nAccept-Ranges: bytes\r\nContent-Range: bytes {}-{}/{}\r\nETag: \"v1\"\r\n\r\n{}",
        kDateField, length, offset, offset + length - 1, content.size(), content.substr(offset, length));
  }
  /// Of whole(), what comes before the file.
  [[nodiscard]] std::string head(std::string_view fields = {}) const {
    const std::string all = whole(fields);
    return all.substr(0, all.size() - content.size());
  }

  jl::test::TempFolder folder;
  const std::string path = folder.path() + "/file";
  const std::string content;
  std::uint64_t rate = 0;
  std::shared_ptr<ByteBudget> budget;
  std::shared_ptr<FileProgress> progress = std::make_shared<FileProgress>();
  std::weak_ptr<const OpenFile> opened_file;  // on the thread
};

}  // namespace jl::network::test
