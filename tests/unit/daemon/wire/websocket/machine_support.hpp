#pragma once
// Feeds a machine whole, byte by byte and in odd pieces: whatever the pieces, it must tell the same.
#include "daemon/wire/websocket/machine.hpp"
#include "tests/support/websocket_frames.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::websocket::test {

using namespace jl::test;
using Story = std::vector<std::string>;

/// Writes down what it is told; long payloads by their length and a checksum.
class StoryTeller final : public MachineEvents {
 public:
  void on_message(std::string_view message, bool text) override {
    tell(text ? "text " : "binary ", message);
    if (machine != nullptr && message == "ignore") machine->ignore();
    if (machine != nullptr && message == "stop") machine->stop();
  }
  void on_ping(std::string_view payload) override { tell("ping ", payload); }
  void on_pong(std::string_view payload) override { tell("pong ", payload); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    tell("close " + std::to_string(code) + " ", reason);
  }
  void on_failure(std::uint16_t code, std::string_view detail) override {
    CHECK_FALSE(detail.empty());
    tell("fail " + std::to_string(code), {});
  }
  static std::string brief(std::string_view payload) {
    if (payload.size() <= 64) return std::string(payload);
    std::uint32_t sum = 0;
    for (const char c : payload) sum = sum * 31 + static_cast<unsigned char>(c);
    return std::to_string(payload.size()) + ":" + std::to_string(sum);
  }
  Story story;
  Machine* machine = nullptr;

 private:
  void tell(std::string what, std::string_view payload) { story.push_back(what + brief(payload)); }
};

struct Setting {
  std::uint32_t max_message = 1u << 20u;
  bool inflates = true;
};

inline Story feed_in_pieces(std::string_view bytes, std::size_t piece, const Setting& setting) {
  StoryTeller teller;
  Machine machine(setting.max_message, setting.inflates);
  teller.machine = &machine;
  std::size_t most_held = 0;
  while (!bytes.empty()) {
    const std::string part(bytes.substr(0, piece));  // an allocation of its own: reading beyond it is seen
    machine.feed(part, teller);
    most_held = std::max(most_held, machine.held_bytes());
    bytes.remove_prefix(part.size());
  }
  CHECK(most_held <= setting.max_message + setting.max_message / 128 + 64 + 125);
  return teller.story;
}

/// What the machine tells of these bytes, whatever the pieces in which they come.
inline Story story_of(const std::string& bytes, const Setting& setting = {}) {
  const Story whole = feed_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), setting);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{7}, std::size_t{4096}}) {
    CAPTURE(piece);
    CHECK(feed_in_pieces(bytes, piece, setting) == whole);
  }
  return whole;
}

}  // namespace jl::wire::websocket::test
