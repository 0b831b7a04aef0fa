#include "daemon/wire/websocket/machine.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "daemon/wire/websocket/deflate.hpp"

#include <algorithm>
#include <cstring>

namespace jl::wire::websocket {
namespace {

constexpr std::size_t kMaskSize = 4;

bool is_utf8(std::string_view text) { return utf8_length(text) != std::string_view::npos; }

/// Appends masked bytes in the clear (RFC 6455 §5.3), eight at a time. `at`: which byte of the key is next.
void append_unmasked(std::string& to, std::string_view masked, const unsigned char* key, std::uint8_t& at) {
  std::array<unsigned char, 2 * kMaskSize> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(at + i) % kMaskSize];
  at = static_cast<std::uint8_t>((at + masked.size()) % kMaskSize);
  std::uint64_t pattern = 0;
  std::memcpy(&pattern, turned.data(), sizeof pattern);

  const std::size_t before = to.size();
  to.append(masked);
  char* bytes = to.data() + before;
  std::size_t left = masked.size();
  for (; left >= sizeof pattern; bytes += sizeof pattern, left -= sizeof pattern) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    word ^= pattern;
    std::memcpy(bytes, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ turned[i]);
}

/// What deflate may make of data that it cannot compress, so that a message of the permitted size still arrives.
constexpr std::uint64_t compressed_bound(std::uint64_t size) { return size + size / 128 + 64; }

}  // namespace

/// Why a connection fails; code 0 = it does not.
struct Machine::Failure {
  std::uint16_t code = 0;
  std::string_view detail;
};

Machine::Machine(std::uint32_t max_message, bool inflates)
    : max_message_(std::min<std::uint32_t>(max_message, INT32_MAX)), head_{}, inflates_(inflates) {}

void Machine::feed(std::string_view in, MachineEvents& events) {
  while (!stopped_ && !in.empty()) {
    if (!in_payload_) take_head(in, events);
    if (stopped_ || !in_payload_) continue;
    take_payload(in);
    if (left_ == 0) end_frame(events);
  }
  // Idle, the buffers of what is over are not kept.
  if (!in_message_) std::string().swap(message_);
  if (control_.empty()) std::string().swap(control_);
}

// ---- the head of a frame

std::size_t Machine::head_size() const {
  const unsigned length = head_[1] & 0x7Fu;
  return 2 + (length == kLength16 ? 2u : length == kLength64 ? 8u : 0u) + kMaskSize;
}

void Machine::take_head(std::string_view& in, MachineEvents& events) {
  // The first two bytes tell how many there are, and most of what may be wrong.
  while (!in.empty() && (head_have_ < 2 || head_have_ < head_size())) {
    head_[head_have_++] = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (head_have_ != 2) continue;
    if (const Failure failure = judge_head(); failure.code != 0) return fail(failure, events);
  }
  if (head_have_ < 2 || head_have_ < head_size()) return;

  const unsigned length7 = head_[1] & 0x7Fu;
  std::uint64_t length = length7;
  if (length7 >= kLength16) {
    length = 0;
    for (std::size_t i = 2; i < head_size() - kMaskSize; ++i) length = length << 8u | head_[i];
  }
  const bool minimal = length7 < kLength16 || length > (length7 == kLength16 ? 125u : UINT16_MAX);
  if (const Failure failure = judge_length(length, minimal); failure.code != 0) return fail(failure, events);

  if (!is_control() && opcode() != Opcode::continuation) {
    message_type_ = opcode();
    in_message_ = true;
    compressed_ = (head_[0] & kRsv1) != 0;
  }
  left_ = length;
  mask_at_ = 0;
  in_payload_ = true;
}

Machine::Failure Machine::judge_head() const {
  const unsigned first = head_[0];
  const unsigned length = head_[1] & 0x7Fu;
  const bool is_data = opcode() == Opcode::text || opcode() == Opcode::binary;
  if ((first & kRsv23) != 0) return {kProtocolError, "reserved bit set"};
  if ((first & kRsv1) != 0 && !(inflates_ && is_data)) return {kProtocolError, "compressed frame out of place"};
  if ((head_[1] & kMasked) == 0) return {kProtocolError, "frame not masked"};
  if (is_control()) {
    if (opcode() > Opcode::pong) return {kProtocolError, "reserved opcode"};
    if ((first & kFin) == 0) return {kProtocolError, "control frame fragmented"};
    if (length > kMaxControlPayload) return {kProtocolError, "control frame too long"};
    return {};
  }
  if (opcode() > Opcode::binary) return {kProtocolError, "reserved opcode"};
  if (is_data && in_message_) return {kProtocolError, "message inside a message"};
  if (!is_data && !in_message_) return {kProtocolError, "continuation of nothing"};
  return {};
}

Machine::Failure Machine::judge_length(std::uint64_t length, bool minimal) const {
  if (!minimal) return {kProtocolError, "length not in its shortest form"};
  if (length > INT64_MAX) return {kProtocolError, "length out of range"};
  if (is_control() || ignores_) return {};
  const bool is_compressed = opcode() == Opcode::continuation ? compressed_ : (head_[0] & kRsv1) != 0;
  const std::uint64_t most = is_compressed ? compressed_bound(max_message_) : max_message_;
  if (length > most || message_.size() > most - length) return {kMessageTooBig, "message over the limit"};
  return {};
}

// ---- payload

void Machine::take_payload(std::string_view& in) {
  const std::string_view part = in.substr(0, left_);
  in.remove_prefix(part.size());
  left_ -= part.size();
  if (ignores_ && !is_control()) return;
  append_unmasked(is_control() ? control_ : message_, part, head_.data() + head_size() - kMaskSize, mask_at_);
}

void Machine::end_frame(MachineEvents& events) {
  const bool is_last = (head_[0] & kFin) != 0;
  in_payload_ = false;
  head_have_ = 0;
  if (is_control()) {
    end_control(events);
    control_.clear();
  } else if (is_last) {
    in_message_ = false;
    if (!ignores_) end_message(events);
    message_.clear();
  }
}

void Machine::end_control(MachineEvents& events) {
  if (opcode() == Opcode::close) return end_close(events);
  if (ignores_) return;
  if (opcode() == Opcode::ping) return events.on_ping(control_);
  events.on_pong(control_);
}

void Machine::end_close(MachineEvents& events) {
  std::uint16_t code = kNoStatus;
  std::string_view reason;
  if (!control_.empty()) {
    if (control_.size() < 2) return fail({kProtocolError, "close frame with half a code"}, events);
    code = static_cast<std::uint16_t>(static_cast<unsigned char>(control_[0]) << 8u |
                                      static_cast<unsigned char>(control_[1]));
    reason = std::string_view(control_).substr(2);
    if (!is_close_code(code)) return fail({kProtocolError, "close code out of range"}, events);
    if (!is_utf8(reason)) return fail({kInvalidPayload, "close reason is not UTF-8"}, events);
  }
  stopped_ = true;
  events.on_close(code, reason);
}

void Machine::end_message(MachineEvents& events) {
  std::string inflated;
  if (compressed_) {
    switch (inflate_message(message_, max_message_, inflated)) {
      case InflateResult::ok:
        break;
      case InflateResult::malformed:
        return fail({kInvalidPayload, "compressed message is malformed"}, events);
      case InflateResult::too_large:
        return fail({kMessageTooBig, "message over the limit when inflated"}, events);
      case InflateResult::no_memory:
        return fail({kInternalError, "no memory to inflate"}, events);
    }
  }
  const std::string& message = compressed_ ? inflated : message_;
  const bool text = message_type_ == Opcode::text;
  if (text && !is_utf8(message)) return fail({kInvalidPayload, "text is not UTF-8"}, events);
  events.on_message(message, text);
}

void Machine::fail(const Failure& failure, MachineEvents& events) {
  stopped_ = true;
  in_message_ = false;
  events.on_failure(failure.code, failure.detail);
}

}  // namespace jl::wire::websocket
