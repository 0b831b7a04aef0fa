// Apart, because the kernel's own header for struct termios2 does not go together with <termios.h>.
#include "daemon/network/serial_speed.hpp"

#include <asm/termbits.h>
#include <sys/ioctl.h>
#include <cerrno>
#include <cstdlib>

namespace jl::network {
namespace {

// A byte of 11 bits is sampled right as long as both ends together are off by less than half a bit.
constexpr long kMostDeviation = 3;  // percent, of our end

}  // namespace

int set_serial_speed(int fd, int bits_per_second) {
  termios2 line{};
  if (::ioctl(fd, TCGETS2, &line) != 0) return errno;
  const auto wanted = static_cast<speed_t>(bits_per_second);
  if (line.c_ospeed != wanted || line.c_ispeed != wanted) {
    line.c_cflag &= ~static_cast<tcflag_t>(CBAUD | CIBAUD);
    line.c_cflag |= BOTHER | static_cast<tcflag_t>(BOTHER) << IBSHIFT;
    line.c_ospeed = line.c_ispeed = wanted;
    if (::ioctl(fd, TCSETS2, &line) != 0 || ::ioctl(fd, TCGETS2, &line) != 0) return errno;
  }
  const long deviation = std::labs(static_cast<long>(line.c_ospeed) - static_cast<long>(wanted));
  return deviation * 100 <= static_cast<long>(wanted) * kMostDeviation ? 0 : EOPNOTSUPP;
}

}  // namespace jl::network
