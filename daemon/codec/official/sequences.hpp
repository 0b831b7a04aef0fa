#pragma once
// The sequence numbers of binary frames and the messageIds that they stand for (wire.md 5.5): one for each session.
#include "common/base/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace jl::codec::official {

class Sequences {
 public:
  /// The number of a message that nobody waits for an answer to.
  static constexpr std::uint16_t kNone = 0xFFFF;
  /// The last number; 1 follows.
  static constexpr std::uint16_t kLast = 0xFFFE;
  /// How long a number stands for its messageId.
  static constexpr Millis kLife = 30'000;
  /// Numbers that wait for an answer, at most; the oldest is given up for the next.
  static constexpr std::size_t kMaxPending = 256;

  /// The next number that waits for nothing, from now on for `message_id`. `sent_at` <= 0 is not known: the number's
  /// life begins when the next answer comes.
  [[nodiscard]] std::uint16_t assign(std::string message_id, Millis sent_at);
  /// The messageId that an answer with this number belongs to; nothing when it is none of ours or older than kLife.
  /// Valid until the next call.
  [[nodiscard]] std::optional<std::string_view> find(std::uint16_t sequence, Millis now);
  /// The number was answered: it stands for nothing any more.
  void release(std::uint16_t sequence);

 private:
  struct Pending {
    std::uint16_t sequence;
    Millis sent_at;
    std::string message_id;
  };
  [[nodiscard]] std::deque<Pending>::iterator entry(std::uint16_t sequence);

  std::deque<Pending> pending_;  // in the order they were sent
  std::uint16_t last_ = 0;
};

}  // namespace jl::codec::official
