#pragma once
// The speed of a serial line beyond what <termios.h> has constants for.

namespace jl::network {

/// Sets both directions to this many bits per second and asks the driver what it made of it. 0, or the errno:
/// EOPNOTSUPP when the hardware cannot come near enough to be understood.
[[nodiscard]] int set_serial_speed(int fd, int bits_per_second);

}  // namespace jl::network
