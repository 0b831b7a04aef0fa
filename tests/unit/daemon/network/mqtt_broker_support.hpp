#pragma once
// Brokers for the tests of the MQTT client component: Debian's mosquitto in a temporary folder, and a socket that plays
// a broker packet by packet.
#include "tests/unit/daemon/network/mqtt_client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network::test {

constexpr const char* kMosquitto = "/usr/sbin/mosquitto";

/// Says why and returns true when the real broker is not installed.
inline bool no_mosquitto() {
  if (std::filesystem::exists(kMosquitto)) return false;
  MESSAGE("skipped: no ", kMosquitto);
  return true;
}

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "jl-mqtt-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// A socket that listens on loopback. It accepts what the kernel has already completed.
class LoopbackListener {
 public:
  LoopbackListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_, generic, size) == 0);
    REQUIRE(::listen(fd_, 8) == 0);
    REQUIRE(::getsockname(fd_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~LoopbackListener() { ::close(fd_); }
  LoopbackListener(const LoopbackListener&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int accept() const {
    pollfd ready{fd_, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 5000) == 1);
    const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(peer >= 0);
    return peer;
  }
  [[nodiscard]] bool has_visitor() const {
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

inline std::uint16_t free_port() { return LoopbackListener().port(); }

/// One accepted connection of a broker that the test plays.
class BrokerSide {
 public:
  explicit BrokerSide(const LoopbackListener& listener) : fd_(listener.accept()) {
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~BrokerSide() { ::close(fd_); }
  BrokerSide(const BrokerSide&) = delete;
  void send(std::string_view bytes) const {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// The next packet, empty at the end of the connection.
  [[nodiscard]] std::string receive() const {
    std::string got;
    if (!take(got, 1)) return "";
    std::size_t length = 0;
    unsigned shift = 0;
    do {
      REQUIRE(take(got, 1));
      length |= static_cast<std::size_t>(static_cast<unsigned char>(got.back()) & 0x7Fu) << shift;
      shift += 7;
    } while ((static_cast<unsigned char>(got.back()) & 0x80u) != 0);
    REQUIRE(take(got, length));
    return got;
  }
  [[nodiscard]] bool has_something() const {
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }

 private:
  bool take(std::string& into, std::size_t count) const {
    for (; count > 0; --count) {
      char byte = 0;
      if (::recv(fd_, &byte, 1, 0) != 1) return false;
      into.push_back(byte);
    }
    return true;
  }
  int fd_;
};

/// Runs a command line to its end; true when it succeeded.
inline bool shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

/// What a command prints.
inline std::string output_of(const std::string& command) {
  std::string text;
  std::array<char, 512> part{};
  FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) text += part.data();
  ::pclose(pipe);
  return text;
}

/// Debian's broker on a free loopback port.
class Mosquitto {
 public:
  explicit Mosquitto(std::string_view more_config = "allow_anonymous true") : port_(free_port()) {
    std::ofstream(folder_ / "mosquitto.conf")
        << "listener " << port_ << " 127.0.0.1\nuser " << (::geteuid() == 0 ? "root" : "")
        << "\npersistence true\npersistence_location " << folder_.path() << "/\n"
        << more_config << "\n";
    start();
  }
  ~Mosquitto() { kill(); }
  Mosquitto(const Mosquitto&) = delete;

  void start() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::string config = folder_ / "mosquitto.conf";
    std::string program = kMosquitto;
    std::string flag = "-c";
    std::array<char*, 4> arguments{program.data(), flag.data(), config.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, kMosquitto, &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    log_ = ends[0];
    wait_for_log(" running");
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(log_);
    pid_ = -1;
  }
  /// Writes its sessions to disk, as it does now and then by itself.
  void save() {
    ::kill(pid_, SIGUSR1);
    wait_for_log("Saving in-memory database");
    REQUIRE(publish("after/save", "x", 1));  // it has one thread: when this is answered the file is written
  }
  [[nodiscard]] bool publish(std::string_view topic, std::string_view payload, int qos) const {
    return shell(fmt::format("mosquitto_pub -h 127.0.0.1 -p {} -t '{}' -m '{}' -q {}", port_, topic, payload, qos));
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void wait_for_log(std::string_view text) {
    std::string seen;
    while (seen.find(text) == std::string::npos) {
      pollfd ready{log_, POLLIN, 0};
      INFO("broker said: ", seen);
      REQUIRE(::poll(&ready, 1, 5000) == 1);
      std::array<char, 512> part{};
      const ssize_t count = ::read(log_, part.data(), part.size());
      REQUIRE(count > 0);
      seen.append(part.data(), static_cast<std::size_t>(count));
    }
  }
  TempFolder folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
  int log_ = -1;
};

}  // namespace jl::network::test
