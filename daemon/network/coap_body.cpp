#include "daemon/network/coap_body.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <string>

namespace jl::network {
namespace {

constexpr int kOctets = 42;                                     // application/octet-stream (RFC 7252 §12.3)
constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 20u;  // NUM has 20 bits (RFC 7959 §2.2)
constexpr std::size_t kMostEtag = 8;                            // RFC 7252 §5.10

/// With a text that says why (RFC 7252 §5.5.2).
CoapReply refusal(int code, std::string why) {
  CoapReply reply;
  reply.code = code;
  reply.payload = std::move(why);
  return reply;
}

}  // namespace

Result<CoapReply> read_block(const CoapBody& body, const CoapMessage& request) {
  const std::string_view etag = body.etag();
  if (etag.empty() || etag.size() > kMostEtag) {
    return Error{Errc::failed, fmt::format("an ETag of {} bytes", etag.size())};
  }
  if (request.accept >= 0 && request.accept != kOctets) return refusal(406, {});
  const CoapBlock wanted = request.block2.value_or(CoapBlock{});
  CoapReply reply;
  // A peer that asks for a later block has not all of it, whatever it says.
  if (wanted.number == 0 && std::find(request.etags.begin(), request.etags.end(), etag) != request.etags.end()) {
    reply.code = 203;
    reply.etag = etag;
    return reply;
  }
  const std::uint64_t size = body.size();
  // It is refused from the first block on: a peer that has come to the last number could only begin anew.
  if (size > kMostBlocks * wanted.size()) {
    return refusal(413, fmt::format("{} bytes are more than 2^20 blocks of {} bytes", size, wanted.size()));
  }
  const std::uint64_t offset = wanted.offset();
  if (wanted.number > 0 && offset >= size) {
    return refusal(
        400, fmt::format("block {} of {} bytes is behind the end of {} bytes", wanted.number, wanted.size(), size));
  }
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(wanted.size(), size - offset));
  reply.code = 205;
  reply.etag = etag;
  reply.content_format = kOctets;
  // In all of them: the peer may have begun in the middle.
  reply.size2 = static_cast<std::uint32_t>(size);
  reply.block2 = CoapBlock{wanted.number, offset + length < size, wanted.exponent};
  reply.payload.resize(length);
  if (length == 0) return reply;
  JL_TRY(const std::size_t got, body.read(offset, std::span(reply.payload)));
  if (got != length) {
    return Error{Errc::failed, fmt::format("{} bytes at {} instead of {}", got, offset, length)};
  }
  return reply;
}

}  // namespace jl::network
