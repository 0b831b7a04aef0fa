#include "daemon/network/serial_line.hpp"

#include "daemon/network/mqtt_client_reasons.hpp"
#include "daemon/network/serial_speed.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <modbus/modbus-rtu.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace jl::network {
namespace {

Status check(const SerialOptions& o) {
  if (o.device.empty() || o.device.find('\0') != std::string::npos) {
    return Error{Errc::invalid, "the serial device is not named", {}, "device"};
  }
  const auto refused = [&](std::string field, std::string what) {
    return Error{Errc::invalid, fmt::format("{}: {}", o.device, what), {}, std::move(field)};
  };
  if (o.baud_rate <= 0) return refused("baudRate", fmt::format("no line has {} bit/s", o.baud_rate));
  if (o.parity != 'N' && o.parity != 'E' && o.parity != 'O') return refused("parity", "parity is none of N, E, O");
  if (o.data_bits < 5 || o.data_bits > 8) return refused("dataBits", fmt::format("{} data bits", o.data_bits));
  if (o.stop_bits < 1 || o.stop_bits > 2) return refused("stopBits", fmt::format("{} stop bits", o.stop_bits));
  return {};
}

IoResult outcome(ssize_t done) {
  if (done >= 0) return {IoResult::Status::ok, static_cast<std::size_t>(done)};
  const bool waits = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {waits ? IoResult::Status::would_block : IoResult::Status::failed, 0};
}

}  // namespace

void SerialLine::Free::operator()(_modbus* context) const {
  ::modbus_close(context);
  ::modbus_free(context);
}

Result<std::unique_ptr<SerialLine>> SerialLine::open(const SerialOptions& options) {
  JL_CHECK(check(options));
  std::unique_ptr<SerialLine> line(new SerialLine(options.device));
  JL_CHECK(line->lock());
  JL_CHECK(line->set_up(options));
  if (options.rs485) JL_CHECK(line->switch_direction());
  return line;
}

SerialLine::~SerialLine() {
  if (fd_ >= 0) {
    ::tcflush(fd_, TCOFLUSH);
    if (direction_) ::ioctl(fd_, TIOCSRS485, &*direction_);
    ::ioctl(fd_, TIOCNXCL);
  }
  context_.reset();
  if (lock_ >= 0) ::close(lock_);
}

Error SerialLine::failure(int error) const {
  const auto with = [&](Errc code, std::string_view what, std::string hint = {}) {
    return Error{code, fmt::format("{}: {}", device_, what), std::move(hint), "device"};
  };
  switch (error) {
    case ENOENT:
      return with(Errc::not_found, "no such file or directory", "ls /dev/serial/by-id");
    case EACCES:
    case EPERM:
      return with(Errc::denied, "permission denied", "jlinkd's user must be in the group that the device belongs to");
    case EBUSY:
      return with(Errc::address_in_use, "in use by another channel or program", fmt::format("fuser -v {}", device_));
    case ENOTTY:
      return with(Errc::invalid, "is no serial device");
    case ENXIO:
    case ENODEV:
      return with(Errc::not_found, "there is no hardware behind it");
    default:
      return with(Errc::network, system_reason(error));
  }
}

// Before anything is set: a line that somebody else uses must not notice.
Status SerialLine::lock() {
  struct stat found {};
  if (::stat(device_.c_str(), &found) != 0) return failure(errno);
  // Opening alone can do something to what is no tty, a FIFO or a folder for instance.
  if (!S_ISCHR(found.st_mode)) return failure(ENOTTY);
  lock_ = ::open(device_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (lock_ < 0) return failure(errno);
  if (::isatty(lock_) != 1) return failure(ENOTTY);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) return failure(errno == EWOULDBLOCK ? EBUSY : errno);
  return {};
}

Status SerialLine::set_up(const SerialOptions& o) {
  context_.reset(::modbus_new_rtu(device_.c_str(), o.baud_rate, o.parity, o.data_bits, o.stop_bits));
  if (context_ == nullptr || ::modbus_connect(context_.get()) != 0) return failure(errno);
  fd_ = ::modbus_get_socket(context_.get());
  ::ioctl(fd_, TIOCEXCL);
  // libmodbus lets read() return 0 when there is nothing, which is what the end of the device looks like as well.
  termios line{};
  if (::tcgetattr(fd_, &line) != 0) return failure(errno);
  line.c_cc[VMIN] = 1;
  line.c_cc[VTIME] = 0;
  if (::tcsetattr(fd_, TCSANOW, &line) != 0) return failure(errno);
  // It also takes 9600 for a rate that it does not know.
  if (const int error = set_serial_speed(fd_, o.baud_rate); error != 0) {
    return Error{Errc::invalid, fmt::format("{}: the driver cannot do {} bit/s", device_, o.baud_rate), {}, "baudRate"};
  }
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK) != 0) return failure(errno);
  ::tcflush(fd_, TCIFLUSH);
  return {};
}

Status SerialLine::switch_direction() {
  serial_rs485 before{};
  if (::ioctl(fd_, TIOCGRS485, &before) != 0 || ::modbus_rtu_set_serial_mode(context_.get(), MODBUS_RTU_RS485) != 0) {
    return Error{Errc::invalid, fmt::format("{}: its driver does not switch the direction of an RS-485 line", device_),
                 "adapters that switch by themselves need no rs485", "rs485"};
  }
  direction_ = before;
  return {};
}

IoResult SerialLine::read_some(std::span<char> buffer) const {
  const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
  // A device that was pulled out is at its end (hung up), or fails with EIO.
  if (got == 0 || (got < 0 && errno == EIO)) return {IoResult::Status::end, 0};
  return outcome(got);
}

IoResult SerialLine::write_some(std::string_view bytes) const {
  return outcome(::write(fd_, bytes.data(), bytes.size()));
}

}  // namespace jl::network
