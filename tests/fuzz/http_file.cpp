// Arbitrary fields of a request for a file: whatever they say, the answer is about bytes that the file has, its fields
// agree with it, and none of them can split a response.
#include "daemon/network/http_file.hpp"
#include "common/base/assert.hpp"
#include "daemon/network/http_text.hpp"

#include <fmt/format.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {
using namespace jl::network;

constexpr jl::Millis kNow = 1'700'000'000'000;

std::string_view field(const HttpFileAnswer& answer, std::string_view name) {
  std::string_view value;
  for (const auto& each : answer.headers) {
    if (each.first != name) continue;
    JL_ASSERT(value.empty());
    value = each.second;
  }
  return value;
}

void check(const HttpFileAnswer& answer, const HttpFileRequest& request, const HttpFileFacts& facts) {
  JL_ASSERT(answer.offset <= facts.size && answer.length <= facts.size - answer.offset);
  const std::string_view range = field(answer, "Content-Range");
  switch (answer.status) {
    case 200:
      JL_ASSERT(answer.offset == 0 && answer.length == facts.size && range.empty());
      break;
    case 206:
      JL_ASSERT(request.method == "GET" && !request.range.empty() && answer.length > 0);
      JL_ASSERT(range == fmt::format("bytes {}-{}/{}", answer.offset, answer.offset + answer.length - 1, facts.size));
      break;
    case 304:
      JL_ASSERT(!request.if_none_match.empty() || !request.if_modified_since.empty());
      JL_ASSERT((request.method == "GET" || request.method == "HEAD") && range.empty() && answer.length == 0);
      break;
    case 412:
      JL_ASSERT(answer.headers.empty() && answer.length == 0);
      break;
    default:
      JL_ASSERT(answer.status == 416 && request.method == "GET" && facts.size > 0 && answer.length == 0);
      JL_ASSERT(range == fmt::format("bytes */{}", facts.size));
  }
  for (const auto& [name, value] : answer.headers) JL_ASSERT(is_field_text(value) && !value.empty());
}

/// What holds between this request and others that say less.
void compare(const HttpFileAnswer& answer, HttpFileRequest request, const HttpFileFacts& facts) {
  const HttpFileRequest asked = request;
  request.method = "HEAD";
  const HttpFileAnswer head = answer_file_request(request, facts, kNow);
  request.method = asked.method;
  request.range = request.if_range = {};
  const HttpFileAnswer whole = answer_file_request(request, facts, kNow);
  JL_ASSERT(whole.status == 200 || whole.status == 304 || whole.status == 412);
  if (asked.method != "GET") return;
  // A range changes nothing but a 200 (RFC 9110 §14.2), and HEAD knows none.
  JL_ASSERT(head.status == whole.status && head.headers == whole.headers && head.length == whole.length);
  JL_ASSERT(whole.status == 200 ? answer.has_content() || answer.status == 416 : answer.status == whole.status);
}

void check_date(std::string_view text) {
  const auto time = parse_http_date(text, kNow);
  if (!time) return;
  JL_ASSERT(*time % 1000 == 0);
  const std::string written(http_date(*time));
  if (!written.empty()) JL_ASSERT(parse_http_date(written, kNow) == *time);
}
}  // namespace

// Ten lines: method, size, the six fields, file name, and what is tag and digest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  std::vector<std::string> lines{""};
  for (const char c : input) {
    if (c == '\n' && lines.size() < 10) {
      lines.emplace_back();
    } else {
      lines.back().push_back(c);
    }
  }
  lines.resize(10);
  const HttpFileRequest request{.method = lines[0],
                                .range = lines[2],
                                .if_range = lines[3],
                                .if_match = lines[4],
                                .if_none_match = lines[5],
                                .if_modified_since = lines[6],
                                .if_unmodified_since = lines[7]};
  std::uint64_t length = 0;
  for (const char c : lines[1]) length = length * 10 + static_cast<unsigned char>(c) % 10;  // any number, wrapped
  const HttpFileFacts facts{
      .size = length, .etag = lines[9], .modified = 784'111'777'345, .file_name = lines[8], .sha256 = lines[9]};
  const HttpFileAnswer answer = answer_file_request(request, facts, kNow);
  check(answer, request, facts);
  compare(answer, request, facts);
  for (const std::string_view date : {lines[3], lines[6], lines[7]}) check_date(date);
  return 0;
}
