#pragma once
// One request as it comes in: bytes until it is whole, malformed or over a limit. It exists from a request's first byte
// to its last. Beast reads the head; what it lets pass and RFC 9112 does not is refused here. Pure: no socket, no
// clock. However the bytes are cut, the outcome is the same.
#include "daemon/network/http_chunks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jl::network {

/// Bounds of a request, in bytes.
struct HttpRequestLimits {
  std::uint32_t max_header = 8192;     ///< request line and fields; also a chunk's line, and the trailers
  std::uint32_t max_body = 1u << 20u;  ///< without chunk lines
};

/// What a request begins with. Views are valid as long as the reader.
struct HttpHead {
  std::string_view method;
  std::string path;         ///< percent-decoded
  std::string_view target;  ///< as sent, without query
  std::string_view query;
  int version = 11;         ///< 10 or 11
  bool keep_alive = false;  ///< the client can take another answer on this connection
  bool has_body = false;
  bool expects_continue = false;
  std::string_view authorization, content_type;

  // Of a request for a file (RFC 9110 §13, §14). Several lines of one field are joined by commas (§5.3), which leaves
  // those that may come only once invalid.
  std::string_view range, if_range, if_match, if_none_match, if_modified_since, if_unmodified_since;

  // Of a WebSocket handshake (RFC 6455 §4.2.1).
  bool upgrades = false;           ///< `Upgrade` names websocket
  bool connection_agrees = false;  ///< `Connection` names upgrade
  std::string_view websocket_key, websocket_version;
  std::string websocket_extensions;  ///< of all such fields
};

/// Why a request is refused: the status of the answer and a literal for people.
struct HttpRefusal {
  int status = 400;
  std::string_view detail{};
};

class HttpRequestReader {
 public:
  enum class Step : std::uint8_t {
    more,      ///< everything was taken, and more is needed
    head,      ///< head() is known; comes once, before the body is looked at. Go on with take(), whatever is left
    complete,  ///< so is body(); what is left belongs to the next request
    refused,   ///< refusal() says why; nothing more can be read from this peer
  };

  explicit HttpRequestReader(const HttpRequestLimits& limits);
  ~HttpRequestReader();
  HttpRequestReader(const HttpRequestReader&) = delete;

  /// Whether it is the first character of a request. Line ends before it are to be skipped (RFC 9112 §2.2).
  [[nodiscard]] static bool is_start(char c) { return c != '\r' && c != '\n'; }
  /// Takes bytes off the front of `in`. Not after complete or refused.
  [[nodiscard]] Step take(std::string_view& in);

  /// Whether head() is known.
  [[nodiscard]] bool has_head() const { return parser_ != nullptr; }
  [[nodiscard]] const HttpHead& head() const;
  [[nodiscard]] std::string_view body() const { return body_; }
  [[nodiscard]] const HttpRefusal& refusal() const { return refusal_; }

 private:
  class HeadParser;
  Step take_head(std::string_view& in);
  Step take_line(std::string_view& in);
  Step take_body(std::string_view& in);
  Step take_chunks(std::string_view& in);
  Step parse_head();
  Step refuse(int status, std::string_view detail);

  const HttpRequestLimits limits_;
  std::string block_;                   // request line and fields, up to the empty line
  std::size_t line_begin_ = 0;          // of the last line in it
  std::unique_ptr<HeadParser> parser_;  // once the head is whole
  std::optional<HttpChunks> chunks_;    // of a body in chunks
  std::uint64_t left_ = 0;              // bytes to come of another body
  std::string body_;
  HttpRefusal refusal_;
};

}  // namespace jl::network
