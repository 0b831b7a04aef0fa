// What servers of Modbus TCP and RTU answer. Input: one byte that chooses the framing (bit 0: RTU; bit 1: the rest is a
// list of parts of which the odd ones are framed, for no input would match a CRC by chance), one byte that sets how the
// stream is cut, one that replies are compared with, then the stream. The same frames must come out however it is cut,
// nothing may be lost or doubled, and no reply yields other data than its request asked for.
#include "common/base/assert.hpp"
#include "daemon/wire/modbus/frame.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {
using namespace jl::wire::modbus;

struct Seen {
  std::uint16_t transaction = 0;
  std::uint8_t unit = 0;
  std::string pdu;
  bool operator==(const Seen&) const = default;
};

struct Played {
  std::vector<Seen> frames;
  bool failed = false;
  std::uint64_t garbage = 0;
  std::size_t pending = 0;
  bool operator==(const Played&) const = default;
};

std::unique_ptr<Framer> open(bool rtu) {
  if (rtu) return std::make_unique<RtuFramer>();
  return std::make_unique<TcpFramer>();
}

Framer::Take keep(std::vector<Seen>& frames) {
  return [&frames](const Frame& frame) { frames.push_back({frame.transaction, frame.unit, std::string(frame.pdu)}); };
}

std::string frame_of(bool rtu, const Seen& seen) {
  return rtu ? rtu_frame(seen.unit, seen.pdu) : tcp_frame(seen.transaction, seen.unit, seen.pdu);
}

std::string compose(bool rtu, std::string_view input) {
  std::string stream;
  while (!input.empty()) {
    const auto head = static_cast<std::uint8_t>(input.front());
    const std::string_view part = input.substr(1, head / 2u);
    input.remove_prefix(1 + part.size());
    if (head % 2 == 0 || part.empty()) {
      stream += part;
    } else {
      stream += frame_of(rtu, {head, static_cast<std::uint8_t>(part.front()), std::string(part.substr(1))});
    }
  }
  return stream;
}

/// `pieces`: 0 = whole, 1 = byte by byte, else the seed of the cuts.
Played play(bool rtu, std::string_view stream, std::uint32_t pieces) {
  const std::unique_ptr<Framer> framer = open(rtu);
  Played played;
  while (!stream.empty() && !played.failed) {
    std::size_t count = pieces == 0 ? stream.size() : 1;
    if (pieces > 1) {
      pieces = pieces * 1'664'525u + 1'013'904'223u;
      count = 1 + (pieces >> 24u) % 40;
    }
    const std::string piece(stream.substr(0, count));  // its own memory: reading beyond it is seen
    stream.remove_prefix(piece.size());
    played.failed = framer->feed(piece, keep(played.frames)).has_error();
    JL_ASSERT(framer->pending() <= 260);
    JL_ASSERT(!played.failed || !rtu);
  }
  played.garbage = framer->garbage();
  played.pending = framer->pending();
  return played;
}

std::size_t bytes_in(bool rtu, const std::vector<Seen>& frames) {
  std::size_t sum = 0;
  for (const Seen& seen : frames) sum += frame_of(rtu, seen).size();
  return sum;
}

/// Every byte is in a frame, garbage, or waits; frames stand in the stream in their order, CRC and all.
void check_account(bool rtu, std::string_view stream, const Played& played) {
  if (!played.failed) {
    JL_ASSERT(bytes_in(rtu, played.frames) + played.garbage + played.pending == stream.size());
  }
  std::size_t at = 0;
  for (const Seen& seen : played.frames) {
    const std::string frame = frame_of(rtu, seen);
    at = stream.find(frame, at);
    JL_ASSERT(at != std::string_view::npos);
    at += frame.size();
    JL_ASSERT(!seen.pdu.empty() && seen.pdu.size() <= kMaxPdu);
    if (rtu) JL_ASSERT(reply_length(seen.pdu) == seen.pdu.size());
  }
}

void check_silence(std::string_view stream) {
  RtuFramer framer;
  std::vector<Seen> frames;
  JL_ASSERT(framer.feed(stream, keep(frames)).has_value());
  framer.on_silence(keep(frames));
  JL_ASSERT(framer.pending() == 0);
  JL_ASSERT(bytes_in(true, frames) + framer.garbage() == stream.size());
}

void check_reply(const Request& request, const std::string& pdu) {
  if (!check(request)) return;
  JL_ASSERT(encode(request).size() <= kMaxPdu);
  const Reply reply = parse_reply(request, pdu);
  const std::size_t size = is_read(request.function) ? data_size(request.function, request.count) : 0;
  switch (reply.kind) {
    case Reply::Kind::ok:
      JL_ASSERT(reply.data.size() == size);
      JL_ASSERT(size == 0 || (reply.data.data() >= pdu.data() && reply.data.data() + size == pdu.data() + pdu.size()));
      break;
    case Reply::Kind::exception:
      JL_ASSERT(reply.exception != 0 && reply.data.empty() && pdu.size() == 2);
      break;
    case Reply::Kind::malformed:
      JL_ASSERT(!reply.problem.empty() && reply.data.empty());
  }
}

/// Requests that the reply may fit, and others.
void check_replies(const std::string& pdu, std::uint8_t choice) {
  const auto byte = [&](std::size_t at) { return at < pdu.size() ? static_cast<std::uint8_t>(pdu[at]) : choice; };
  const auto word = [&](std::size_t at) { return static_cast<std::uint16_t>(byte(at) << 8u | byte(at + 1)); };
  const auto function = static_cast<Function>(byte(0) & 0x7Fu);
  const auto address = static_cast<std::uint16_t>(choice % 2 == 0 ? word(1) : choice);
  const std::uint16_t counts[] = {1, choice, word(3), static_cast<std::uint16_t>(byte(1) / 2u),
                                  static_cast<std::uint16_t>(byte(1) * 8u - choice % 8u)};
  for (const std::uint16_t count : counts) {
    Request request{.function = function, .address = address, .count = count};
    check_reply(request, pdu);
    request.data.assign(data_size(function, count), pdu.back());
    check_reply(request, pdu);
    if (pdu.size() >= 7) request.data = pdu.substr(3, 4);
    if (function == Function::write_single_register) request.data.resize(2);
    request.with_byte_count = choice % 3 != 0;
    check_reply(request, pdu);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const bool rtu = (data[0] & 1u) != 0;
  std::string stream(data + 3, data + size);
  if ((data[0] & 2u) != 0) stream = compose(rtu, stream);

  const Played whole = play(rtu, stream, 0);
  JL_ASSERT(whole == play(rtu, stream, 1));
  JL_ASSERT(whole == play(rtu, stream, 2u + data[1]));
  check_account(rtu, stream, whole);
  if (rtu) check_silence(stream);
  for (const Seen& seen : whole.frames) check_replies(seen.pdu, data[2]);
  return 0;
}
