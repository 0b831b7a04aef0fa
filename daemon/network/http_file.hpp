#pragma once
// What a request for a file is answered: its preconditions (RFC 9110 §13), the part it asks for (§14), and the fields
// that go with that. Pure: no file, no socket; what comes in is hostile.
#include "common/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::network {

/// What counts of a request; "" = the field is absent. Several lines of one field are one value with commas.
struct HttpFileRequest {
  std::string_view method = "GET";
  std::string_view range{}, if_range{}, if_match{}, if_none_match{}, if_modified_since{}, if_unmodified_since{};
};

/// What there is to know of a file.
struct HttpFileFacts {
  std::uint64_t size = 0;   ///< bytes
  std::string_view etag{};  ///< strong: other bytes, another tag (§8.8.3). Without quotes; "" or not a tag = none
  Millis modified = 0;      ///< since 1970; 0 = not known
  std::string_view content_type = "application/octet-stream";
  std::string_view file_name{};  ///< what the receiver should call it; "" = no Content-Disposition
  std::string_view sha256{};     ///< 64 hex digits; anything else = no Repr-Digest
};

/// What is sent. With 200 and 206 the bytes [offset, offset + length) of the file are the body; with 304, 412 and 416
/// there is none and length is 0. For HEAD it is what Content-Length says.
struct HttpFileAnswer {
  int status = 200;
  std::uint64_t offset = 0, length = 0;
  std::string content_type{};                                  ///< "" = the field is not sent
  std::vector<std::pair<std::string, std::string>> headers{};  ///< without Content-Type and Content-Length
  [[nodiscard]] bool has_content() const { return status == 200 || status == 206; }
};

/// Answers GET and HEAD. For other methods there is no range, and a tag that If-None-Match names is 412 (§13.1.2).
/// `now` is the wall clock: no Last-Modified is later, and a date of its own second proves nothing (§8.8.2).
[[nodiscard]] HttpFileAnswer answer_file_request(const HttpFileRequest& request, const HttpFileFacts& facts,
                                                 Millis now);

/// `attachment; filename="..."`, and `filename*` for what does not fit into ASCII (RFC 6266 §4.3, RFC 8187 §3.2). Path
/// separators and control characters become "_".
[[nodiscard]] std::string attachment_disposition(std::string_view file_name);

}  // namespace jl::network
