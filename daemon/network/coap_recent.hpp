#pragma once
// The last requests of one peer, so that a repeated one is known and gets the answer it had (RFC 7252 §4.5). A request
// with the message ID of another but with other content is no repetition: its device has restarted.
#include "common/base/time.hpp"
#include "daemon/network/coap_message.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace jl::network {

class CoapRecent {
 public:
  static constexpr std::size_t kMost = 16;               ///< requests remembered; a peer has one or few under way
  static constexpr Millis kLifetime = 247'000;           ///< EXCHANGE_LIFETIME, RFC 7252 §4.8.2
  static constexpr std::size_t kMostPayload = 2 * 1024;  ///< kept of answers together, but always the newest

  enum class State : std::uint8_t {
    open,          ///< not answered; a repetition is ignored
    acknowledged,  ///< the answer comes or came in a message of its own: a repetition is acknowledged again
    answered,      ///< with `code` and `reply`
    silent,        ///< nothing is sent again
    forgotten,     ///< as if it had not been here
  };
  struct Entry {
    std::uint64_t fingerprint = 0;
    Millis at = 0;
    std::uint16_t id = 0;
    State state = State::open;
    std::uint16_t code = 0;
    std::unique_ptr<CoapReply> reply{};  ///< nullptr: nothing but the code
  };

  /// The entry of this request, nullptr when it is new.
  [[nodiscard]] Entry* find(std::uint16_t id, std::uint64_t fingerprint, Millis now);
  /// Remembers a new one.
  void add(std::uint16_t id, std::uint64_t fingerprint, Millis now);
  /// What is repeated is new: of an idempotent request with an answer that is cheap to make but not to keep (RFC 7252
  /// §4.5).
  void forget(std::uint16_t id, std::uint64_t fingerprint, Millis now);
  /// Keeps the answer of a request that is still remembered.
  void answered(std::uint16_t id, std::uint64_t fingerprint, const CoapReply& reply, Millis now);

 private:
  void limit_payload(const Entry& newest);
  std::vector<Entry> entries_;  // a ring once it is full
  std::size_t next_ = 0;
  std::size_t payload_ = 0;
};

}  // namespace jl::network
