#pragma once
// A large body that a handler answers with and nobody holds in memory, a file for example: each request for a block of
// it is a request of its own, and reads that block (RFC 7959 §2.4). Nothing is kept between blocks.
#include "common/base/result.hpp"
#include "daemon/network/coap_message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace jl::network {

/// Shared between the handler and the answer that is under way; used on the component's thread, and let go of as soon
/// as its block is read.
class CoapBody {
 public:
  virtual ~CoapBody() = default;
  /// Bytes of all of it. More than 2^20 blocks of the size that is asked for, 1 GiB at most, are refused with 4.13.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// 1 to 8 bytes that name just this content: a peer that puts blocks together knows by them when they are not of one
  /// file any more.
  [[nodiscard]] virtual std::string_view etag() const = 0;
  /// Fills `into`, 1 to 1024 bytes that lie inside of size(), with what begins at `offset`; returns how many that were.
  /// Called once for each block that is sent, and not when there is none to send (2.03, 4.xx, an empty body). Less than
  /// asked for, or an error, is answered with 5.00. It must not block for long.
  [[nodiscard]] virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const = 0;
};

/// The answer to a GET for `body`, or for the block of it that the request names, without a block: the first of 1024
/// bytes. 2.05 with ETag, Block2, Size2 and the block; 2.03 when the peer says that it has this content; 4.06 when it
/// accepts another format than octets; 4.00 for a block behind the end and 4.13 when not every block would have a
/// number, both with a text (RFC 7252 §5.5.2). Errors: the body's own, or it does not keep to the above.
[[nodiscard]] Result<CoapReply> read_block(const CoapBody& body, const CoapMessage& request);

}  // namespace jl::network
