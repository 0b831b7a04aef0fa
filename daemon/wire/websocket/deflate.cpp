#include "daemon/wire/websocket/deflate.hpp"

#include "common/base/assert.hpp"

#define ZLIB_CONST
#include <zlib.h>
#include <algorithm>
#include <array>
#include <climits>
#include <memory>

namespace jl::wire::websocket {
namespace {

constexpr int kMinWindowBits = 9;
constexpr int kMaxWindowBits = 15;
constexpr int kMemoryLevel = 5;  // messages are short: 8 KiB of hash chains to clear for each, instead of 64
constexpr std::size_t kFirstOutput = 1024;
// Ends every block of a message; not sent (RFC 7692 §7.2.1), so put back before decompressing (§7.2.2).
constexpr std::string_view kTail("\x00\x00\xFF\xFF", 4);

const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

class Inflater {
 public:
  Inflater() : ready_(inflateInit2(&stream_, -kMaxWindowBits) == Z_OK) {}
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;

  InflateResult run(std::string_view payload, std::size_t most, std::string& out) {
    if (!ready_ || inflateReset(&stream_) != Z_OK) return InflateResult::no_memory;
    out.clear();
    std::size_t used = 0;
    for (const std::string_view part : {payload, kTail}) {
      const InflateResult result = take(part, most, out, used);
      if (result != InflateResult::ok) return result;
    }
    out.resize(used);
    return at_block_end_ ? InflateResult::ok : InflateResult::malformed;
  }

 private:
  InflateResult take(std::string_view part, std::size_t most, std::string& out, std::size_t& used) {
    stream_.next_in = bytes_of(part);
    stream_.avail_in = static_cast<uInt>(part.size());
    do {
      if (used == out.size()) {
        if (used > most) return InflateResult::too_large;
        out.resize(std::min(most + 1, std::max(kFirstOutput, 2 * used)));
      }
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      stream_.avail_out = static_cast<uInt>(out.size() - used);
      const int result = inflate(&stream_, Z_SYNC_FLUSH);
      used = out.size() - stream_.avail_out;
      if (result == Z_MEM_ERROR) return InflateResult::no_memory;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return InflateResult::malformed;
      constexpr int kBlockEnded = 128;  // zlib.h, inflate()
      at_block_end_ = result == Z_STREAM_END || (stream_.data_type & kBlockEnded) != 0;
      // A final block may be followed by others (RFC 7692 §7.2.3.4).
      if (result == Z_STREAM_END && inflateReset(&stream_) != Z_OK) return InflateResult::no_memory;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return InflateResult::ok;
  }

  z_stream stream_{};
  bool at_block_end_ = false;
  const bool ready_;
};

class Deflater {
 public:
  explicit Deflater(int window_bits)
      : ready_(deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits, kMemoryLevel,
                            Z_DEFAULT_STRATEGY) == Z_OK) {}
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;

  bool run(std::string_view message, std::string& out) {
    if (!ready_ || message.size() > UINT_MAX / 2 || deflateReset(&stream_) != Z_OK) return false;
    out.resize(message.size() + kTail.size());
    stream_.next_in = bytes_of(message);
    stream_.avail_in = static_cast<uInt>(message.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    // A full output may mean that there is more to come: then it is not smaller anyway.
    if (deflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_in > 0 || stream_.avail_out == 0) return false;
    out.resize(out.size() - stream_.avail_out);
    JL_ASSERT(out.ends_with(kTail));
    out.resize(out.size() - kTail.size());
    return out.size() < message.size();
  }

 private:
  z_stream stream_{};
  const bool ready_;
};

}  // namespace

InflateResult inflate_message(std::string_view payload, std::size_t most, std::string& out) {
  static thread_local Inflater inflater;
  return inflater.run(payload, most, out);
}

bool deflate_message(std::string_view message, int window_bits, std::string& out) {
  JL_ASSERT(window_bits >= kMinWindowBits && window_bits <= kMaxWindowBits);
  static thread_local std::array<std::unique_ptr<Deflater>, kMaxWindowBits - kMinWindowBits + 1> deflaters;
  auto& deflater = deflaters[static_cast<std::size_t>(window_bits - kMinWindowBits)];
  if (deflater == nullptr) deflater = std::make_unique<Deflater>(window_bits);
  return deflater->run(message, out);
}

}  // namespace jl::wire::websocket
