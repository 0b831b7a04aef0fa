// A client that sends arbitrary frames to two machines, one that gets its input whole and one that gets it in pieces:
// both must tell the same, hold no more than they may, and tell nothing after the end. What they tell is compressed and
// read back. One mode reads the input as the extensions of a handshake.
#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "daemon/wire/websocket/deflate.hpp"
#include "daemon/wire/websocket/extensions.hpp"
#include "daemon/wire/websocket/machine.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {
using namespace jl::wire::websocket;

constexpr std::uint32_t kMaxMessage = 2000;

bool is_utf8(std::string_view text) { return jl::utf8_length(text) != std::string_view::npos; }

class Owner final : public MachineEvents {
 public:
  explicit Owner(std::uint8_t mode) : machine_(kMaxMessage, (mode & 1u) != 0), mode_(mode) {}

  void feed(std::string_view bytes) {
    machine_.feed(bytes, *this);
    JL_ASSERT(machine_.held_bytes() <= kMaxMessage + kMaxMessage / 128 + 64 + kMaxControlPayload);
  }
  std::uint64_t story() const { return story_; }

  void on_message(std::string_view message, bool text) override {
    JL_ASSERT(message.size() <= kMaxMessage && !ignores_);
    JL_ASSERT(!text || is_utf8(message));
    tell(text ? 1 : 2, message);
    read_back(message);
    if ((mode_ & 2u) != 0 && message.starts_with("i")) ignores_ = true, machine_.ignore();
    if ((mode_ & 4u) != 0 && message.starts_with("s")) over_ = true, machine_.stop();
  }
  void on_ping(std::string_view payload) override {
    JL_ASSERT(payload.size() <= kMaxControlPayload && !ignores_);
    tell(3, payload);
  }
  void on_pong(std::string_view payload) override { tell(4, payload); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    JL_ASSERT(is_utf8(reason) && reason.size() <= kMaxCloseReason);
    JL_ASSERT(is_close_code(code) || (code == kNoStatus && reason.empty()));
    tell(5, reason);
    tell(static_cast<std::uint8_t>(code), {});
    over_ = true;
  }
  void on_failure(std::uint16_t code, std::string_view detail) override {
    JL_ASSERT(code == kProtocolError || code == kInvalidPayload || code == kMessageTooBig);
    tell(static_cast<std::uint8_t>(code), detail);
    over_ = true;
  }

 private:
  // FNV-1a over everything that was told.
  void tell(std::uint8_t kind, std::string_view text) {
    JL_ASSERT(!over_);
    story_ = (story_ ^ kind) * 1099511628211u;
    for (const char c : text) story_ = (story_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  static void read_back(std::string_view message) {
    std::string small;
    std::string again;
    if (!deflate_message(message, 9 + static_cast<int>(message.size() % 7), small)) return;
    JL_ASSERT(small.size() < message.size());
    JL_ASSERT(inflate_message(small, message.size(), again) == InflateResult::ok && again == message);
    JL_ASSERT(inflate_message(small, message.size() - 1, again) == InflateResult::too_large);
  }

  Machine machine_;
  std::uint64_t story_ = 14695981039346656037u;
  const std::uint8_t mode_;
  bool ignores_ = false;
  bool over_ = false;
};

void negotiate(std::string_view offers) {
  const auto chosen = choose_deflate(offers);
  if (!chosen || !*chosen) return;
  JL_ASSERT((*chosen)->server_window_bits >= 9 && (*chosen)->server_window_bits <= 15);
  // Our own answer is an offer that comes to the same.
  const auto again = choose_deflate(describe(**chosen));
  JL_ASSERT(again && *again && (*again)->server_window_bits == (*chosen)->server_window_bits);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t mode = data[0];
  std::uint32_t pieces = data[1] + 1u;
  const std::string input(data + 2, data + size);
  if (mode >= 0xF0) return negotiate(input), 0;

  Owner whole(mode);
  Owner split(mode);
  whole.feed(input);
  for (std::size_t at = 0; at < input.size();) {
    pieces = pieces * 1664525u + 1013904223u;
    const std::size_t count = (mode & 8u) != 0 ? 1 : 1 + (pieces >> 24u) % 64;
    const std::string piece = input.substr(at, count);  // its own allocation: reading beyond it is seen
    split.feed(piece);
    at += piece.size();
  }
  JL_ASSERT(whole.story() == split.story());
  return 0;
}
