#include "daemon/wire/framing/faults.hpp"

#include <fmt/format.h>

namespace jl::wire::framing {
namespace {
constexpr const char* kRaiseLimit = "correct the framing rule, or raise maxFrameLength";
}

Error frame_too_large(std::size_t size, std::size_t max) {
  return {Errc::too_large, fmt::format("frame of {} bytes, {} are allowed", size, max), kRaiseLimit};
}

Error no_delimiter_within(std::size_t max) {
  return {Errc::too_large, fmt::format("no delimiter within {} bytes", max), kRaiseLimit};
}

Error negative_length(std::int32_t value, std::size_t length, std::size_t offset) {
  return {Errc::invalid, fmt::format("length field of {} bytes at offset {} says {}", length, offset, value),
          "correct offset, length and little of the framing rule"};
}

}  // namespace jl::wire::framing
