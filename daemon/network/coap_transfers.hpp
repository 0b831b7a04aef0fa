#pragma once
// Block-wise transfers (RFC 7959) of all peers: request bodies that are being put together, and response bodies that
// are being fetched. libcoap's own are not used: 4.3.1 lets each peer open as many as it likes, of any size. Here both
// are bounded, by peer and in all; the one that was used longest ago gives way.
#include "common/base/time.hpp"
#include "daemon/network/coap_message.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jl::network {

class CoapTransfers {
 public:
  static constexpr std::size_t kMostOfPeer = 4;
  static constexpr Millis kLifetime = 93'000;    ///< since it was last used: MAX_TRANSMIT_WAIT, RFC 7252 §4.8.2
  static constexpr std::size_t kOverhead = 256;  ///< what one counts besides its bytes
  using Peer = const void*;

  /// `budget`: bytes of all together.
  explicit CoapTransfers(std::size_t budget) : budget_(budget) {}

  /// What became of one block of a request.
  struct Step {
    int code = 0;      ///< 231: the next one, please; 0: that was the last; else refused
    std::string body;  ///< when it was the last
  };
  /// Takes a block of a request. Blocks must come in order; number 0 begins anew. Refused with 4.00 (not as long as it
  /// says), 4.08 (one is missing), 4.13 (longer than `most`, or says that it will be).
  [[nodiscard]] Step take(Peer peer, std::uint64_t key, const CoapMessage& message, std::size_t most, Millis now);

  /// Writes a response body into the reply, or its block that `wanted` names; what does not fit into one block is kept
  /// for later ones. A block that lies behind the end is 4.00.
  void put(Peer peer, std::uint64_t key, CoapReply& reply, std::string body, const std::optional<CoapBlock>& wanted,
           Millis now);
  /// Answers a request for a later block. False: its body is not here (any more).
  [[nodiscard]] bool get(Peer peer, std::uint64_t key, CoapReply& reply, const CoapBlock& wanted, Millis now);

  void forget(Peer peer);
  /// The response body that the key names.
  void forget(Peer peer, std::uint64_t key);
  /// Drops what was not used for long.
  void expire(Millis now);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Transfer {
    Peer peer;
    std::uint64_t key;
    bool is_upload;
    Millis used;
    std::string bytes{};
    int code = 0;
    int content_format = -1;
    std::string etag{};
  };
  using List = std::list<Transfer>;  // the one used longest ago in front
  List::iterator find(Peer peer, std::uint64_t key, bool is_upload);
  List::iterator open(Peer peer, std::uint64_t key, bool is_upload, Millis now);
  void touch(List::iterator transfer, Millis now);
  void count(const Transfer& transfer, bool in);
  void drop(List::iterator transfer);
  void keep_to_budget();

  const std::size_t budget_;
  std::size_t bytes_ = 0;
  List transfers_;
  std::unordered_map<Peer, std::vector<List::iterator>> of_peer_;  // at most kMostOfPeer each, oldest first
};

}  // namespace jl::network
