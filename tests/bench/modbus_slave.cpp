// A Modbus TCP slave for thousands of connections on one thread: every unit is there and every register, function 1 to
// 4 reads them, and their values change from request to request. It notes when requests arrive.
//
// Prints its port, of 127.0.0.1, and takes lines on standard input: "reset INTERVAL_MS" begins to note anew; "show"
// answers "REQUESTS VALUES LEFT_OUT P99_MS WORST_MS" since then. Ends with its input. `flood`: it answers nothing and
// sends well-formed answers that nobody asked for, as fast as they are taken.
#include "tests/bench/modbus_arrivals.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using jl::bench::Arrivals;

constexpr std::size_t kHeader = 7;  // MBAP: transaction, protocol, length (2 bytes each), unit
constexpr std::size_t kReadRequest = 5;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "jl_bench_modbus_slave: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::uint16_t word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}
void append_word(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8 & 0xFF);
  out += static_cast<char>(value & 0xFF);
}

/// What is noted between "reset" and "show".
struct Notes {
  explicit Notes(std::uint64_t interval_ms) : arrivals(std::chrono::milliseconds(interval_ms)) {}
  std::uint64_t requests = 0, values = 0;
  Arrivals arrivals;
};

class Connection {
 public:
  Connection(int fd, std::uint64_t number) : fd_(fd), number_(number) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;

  // False when it is over.
  /// Without notes what comes is thrown away.
  [[nodiscard]] bool read(Notes* notes);
  [[nodiscard]] bool write();
  [[nodiscard]] bool flood(std::string_view frames);

 private:
  [[nodiscard]] bool take(Notes& notes);
  void answer(std::string_view frame, Notes& notes);

  const int fd_;
  const std::uint64_t number_;
  std::uint64_t requests_ = 0;
  std::string received_, unsent_;
  std::size_t flooded_ = 0;  // of the frames, in this round
};

bool Connection::read(Notes* notes) {
  std::array<char, 16384> buffer;  // read before it is written: never without content
  for (;;) {
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    const auto size = static_cast<std::size_t>(n);
    if (notes != nullptr) received_.append(buffer.data(), size);
    if (notes != nullptr && !take(*notes)) return false;
    if (size < buffer.size()) return true;
  }
}

// Answers the frames that are complete.
bool Connection::take(Notes& notes) {
  std::string_view left = received_;
  while (left.size() > kHeader) {
    const std::size_t length = word(left, 4);
    if (length < 2 || length > 254) return false;
    const std::size_t size = kHeader - 1 + length;
    if (left.size() < size) break;
    answer(left.substr(0, size), notes);
    left.remove_prefix(size);
  }
  received_.erase(0, received_.size() - left.size());
  return true;
}

void Connection::answer(std::string_view frame, Notes& notes) {
  const auto function = static_cast<unsigned char>(frame[kHeader]);
  std::size_t count = frame.size() == kHeader + kReadRequest ? word(frame, kHeader + 3) : 0;
  const bool is_bits = function <= 2;
  if (function == 0 || function > 4 || count > (is_bits ? 2000 : 125)) count = 0;
  const std::size_t bytes = is_bits ? (count + 7) / 8 : count * 2;
  unsent_.append(frame.substr(0, 4));
  append_word(unsent_, count == 0 ? 3 : 3 + bytes);
  unsent_ += frame[6];
  unsent_ += static_cast<char>(count == 0 ? function | 0x80 : function);
  unsent_ += static_cast<char>(count == 0 ? 3 : bytes);  // an exception's code: illegal data value
  if (count == 0) return;
  const std::size_t address = word(frame, kHeader + 1);
  if (is_bits) unsent_.append(bytes, static_cast<char>(requests_ & 0xFF));
  for (std::size_t i = 0; !is_bits && i < count; ++i) append_word(unsent_, address + i + requests_);
  ++requests_;
  ++notes.requests;
  notes.values += count;
  const std::uint64_t unit = static_cast<unsigned char>(frame[6]);
  notes.arrivals.add(number_ << 24 | unit << 16 | address, Arrivals::Clock::now());
}

bool Connection::write() {
  if (unsent_.empty()) return true;
  const ssize_t n = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  unsent_.erase(0, static_cast<std::size_t>(n));
  return true;
}

bool Connection::flood(std::string_view frames) {
  const ssize_t n = send(fd_, frames.data() + flooded_, frames.size() - flooded_, MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  flooded_ = (flooded_ + static_cast<std::size_t>(n)) % frames.size();
  return true;
}

// Answers of a unit that nobody asks, as long as they may be.
std::string unasked_frames() {
  std::string frames;
  while (frames.size() < 65536) {
    append_word(frames, 0);
    append_word(frames, 0);
    append_word(frames, 3 + 250);
    frames += static_cast<char>(247);
    frames += "\3\xFA";
    frames.append(250, '\0');
  }
  return frames;
}

class Slave {
 public:
  explicit Slave(bool floods);
  void run();

 private:
  void watch(int fd, std::uint32_t events) const;
  void accept_all();
  [[nodiscard]] bool serve(Connection& connection, std::uint32_t events);
  [[nodiscard]] bool take_commands();
  void obey(const std::string& line);

  const bool floods_;
  const std::string frames_ = unasked_frames();
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::uint64_t accepted_ = 0;
  std::string commands_;
  Notes notes_{1000};
};

Slave::Slave(bool floods) : floods_(floods) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  socklen_t size = sizeof generic;
  if (epoll_ < 0 || listener_ < 0 || bind(listener_, &generic, size) != 0 || listen(listener_, SOMAXCONN) != 0 ||
      getsockname(listener_, &generic, &size) != 0)
    give_up("cannot listen");
  std::memcpy(&address, &generic, sizeof address);
  watch(listener_, EPOLLIN);
  watch(STDIN_FILENO, EPOLLIN);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

void Slave::watch(int fd, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("cannot watch");
}

void Slave::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd] = std::make_unique<Connection>(fd, ++accepted_);
    // By edges, because a socket can nearly always be written; a flood is to come round again and again.
    watch(fd, floods_ ? EPOLLIN | EPOLLOUT : EPOLLIN | EPOLLOUT | EPOLLET);
  }
}

bool Slave::serve(Connection& connection, std::uint32_t events) {
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && !connection.read(floods_ ? nullptr : &notes_)) return false;
  return floods_ ? connection.flood(frames_) : connection.write();
}

bool Slave::take_commands() {
  std::array<char, 256> buffer{};
  const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (n <= 0) return false;
  commands_.append(buffer.data(), static_cast<std::size_t>(n));
  for (std::size_t end = 0; (end = commands_.find('\n')) != std::string::npos; commands_.erase(0, end + 1)) {
    obey(commands_.substr(0, end));
  }
  return true;
}

void Slave::obey(const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::uint64_t interval = 0;
  words >> verb >> interval;
  if (verb == "reset" && interval > 0) notes_ = Notes(interval);
  if (verb != "show") return;
  const jl::bench::Drift drift = notes_.arrivals.drift();
  std::printf("%llu %llu %llu %.1f %.1f\n", static_cast<unsigned long long>(notes_.requests),
              static_cast<unsigned long long>(notes_.values), static_cast<unsigned long long>(drift.left_out),
              drift.p99_ms, drift.worst_ms);
  std::fflush(stdout);
}

void Slave::run() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (n < 0 && errno != EINTR) give_up("cannot wait");
    for (int i = 0; i < n; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const int fd = event.data.fd;
      if (fd == listener_) {
        accept_all();
      } else if (fd == STDIN_FILENO) {
        if (!take_commands()) return;
      } else if (!serve(*connections_.at(fd), event.events)) {
        connections_.erase(fd);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool floods = argc == 2 && std::string_view(argv[1]) == "flood";
  if (argc > 2 || (argc == 2 && !floods)) {
    std::fputs("usage: jl_bench_modbus_slave [flood]\n", stderr);
    return 2;
  }
  Slave(floods).run();
}
