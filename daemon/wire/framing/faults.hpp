#pragma once
// What is said when a peer's bytes cannot be cut into frames.
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace jl::wire::framing {

/// too_large: a frame, or a part of one, of `size` bytes where `max` are allowed.
[[nodiscard]] Error frame_too_large(std::size_t size, std::size_t max);
/// too_large: `max` bytes and no delimiter.
[[nodiscard]] Error no_delimiter_within(std::size_t max);
/// invalid: the length field of `length` bytes at `offset` says `value` < 0.
[[nodiscard]] Error negative_length(std::int32_t value, std::size_t length, std::size_t offset);

}  // namespace jl::wire::framing
