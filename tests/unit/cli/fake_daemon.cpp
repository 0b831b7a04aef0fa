#include "fake_daemon.hpp"

#include "cli/app.hpp"
#include "common/control/problem.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace jl::cli::test {
namespace {

std::string content_of(int fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
    out.append(buffer.data(), static_cast<std::size_t>(n));
  return out;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string chunk(const std::string& text) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + text + "\r\n";
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "jlctl-test-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ec;
  std::filesystem::remove_all(path_, ec);
}

std::string TempFolder::file(const std::string& name, const std::string& text, unsigned mode) const {
  const std::string path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
  return path;
}

Reply ok(const json::value& value, int status) {
  Reply out;
  out.status = status;
  out.body = json::serialize(value);
  return out;
}

Reply lines(const std::vector<json::value>& values) {
  Reply out;
  out.type = "application/x-ndjson";
  for (const auto& value : values) out.chunks.push_back(json::serialize(value) + "\n");
  return out;
}

Reply failure(const Error& error) {
  Reply out = ok(control::to_problem(error, "req-1"), info(error.code).http_status);
  out.type = "application/problem+json";
  return out;
}

FakeDaemon::FakeDaemon(Answer answer) : socket_(folder_.path() + "/control.sock"), answer_(std::move(answer)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket_.size() < sizeof(address.sun_path));
  std::memcpy(static_cast<void*>(address.sun_path), socket_.data(), socket_.size());
  REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(listener_, 16) == 0);
  thread_ = std::thread([this] { serve(); });
}

FakeDaemon::FakeDaemon(std::map<std::string, Reply> replies)
    : FakeDaemon([replies = std::move(replies)](const SeenRequest& request) {
        const auto found = replies.find(request.method + " " + request.target);
        return found != replies.end() ? found->second
                                      : failure(Error(Errc::not_found, "there is nothing at " + request.target));
      }) {}

FakeDaemon::~FakeDaemon() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::vector<SeenRequest> FakeDaemon::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeDaemon::serve() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    serve_one(fd);
    ::close(fd);
    ++closed_;
  }
}

// One connection until the other side closes it.
void FakeDaemon::serve_one(int fd) {
  std::string buffer;
  const auto read_more = [&] {
    std::array<char, 4096> piece{};
    const ssize_t n = ::recv(fd, piece.data(), piece.size(), 0);
    if (n > 0) buffer.append(piece.data(), static_cast<std::size_t>(n));
    return n > 0;
  };
  while (!stopping_) {
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return;
    }
    SeenRequest request;
    request.head = buffer.substr(0, end);
    buffer.erase(0, end + 4);
    request.method = request.head.substr(0, request.head.find(' '));
    const std::size_t from = request.method.size() + 1;
    request.target = request.head.substr(from, request.head.find(' ', from) - from);
    std::size_t length = 0;
    if (const auto at = request.head.find("Content-Length: "); at != std::string::npos)
      length = std::stoul(request.head.substr(at + 16));
    while (buffer.size() < length) {
      if (!read_more()) return;
    }
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    while (request.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      std::size_t line = 0;
      while ((line = buffer.find("\r\n")) == std::string::npos) {
        if (!read_more()) return;
      }
      const std::size_t size = std::stoul(buffer.substr(0, line), nullptr, 16);
      while (buffer.size() < line + 2 + size + 2) {
        if (!read_more()) return;
      }
      request.body += buffer.substr(line + 2, size);
      buffer.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
    if (!answer_one(fd, request)) return;
  }
}

bool FakeDaemon::answer_one(int fd, const SeenRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const Reply reply = answer_(request);
  if (reply.hang_up) return false;
  const auto wait_until_jlctl_closes = [&] {
    std::array<char, 1> gone{};
    ::recv(fd, gone.data(), gone.size(), 0);
    return false;
  };
  if (reply.silent) return wait_until_jlctl_closes();
  std::string head =
      "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Type: " + reply.type + "\r\nJlinkd-Version: 9.9\r\n";
  if (!reply.api.empty()) head += "Jlinkd-Api: " + reply.api + "\r\n";
  head += "Jlinkd-Request-Id: req-1\r\n";
  if (reply.chunks.empty()) {
    head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
    send_all(fd, head + (request.method == "HEAD" ? "" : reply.body));
  } else {
    send_all(fd, head + "Transfer-Encoding: chunked\r\n\r\n");
    for (const auto& piece : reply.chunks) send_all(fd, chunk(piece));
    if (reply.after_chunks == Reply::After::closed) return false;
    if (reply.after_chunks == Reply::After::nothing) return wait_until_jlctl_closes();
    send_all(fd, "0\r\n\r\n");
  }
  return !reply.close_after;
}

Outcome run(const std::vector<std::string>& words, const Given& given) {
  Environment env;
  env.out = ::memfd_create("out", MFD_CLOEXEC);
  env.err = ::memfd_create("err", MFD_CLOEXEC);
  env.in = given.in;
  if (given.in < 0) {
    env.in = ::memfd_create("in", MFD_CLOEXEC);
    REQUIRE(::write(env.in, given.input.data(), given.input.size()) == static_cast<ssize_t>(given.input.size()));
    ::lseek(env.in, 0, SEEK_SET);
  }
  env.in_is_tty = given.in_is_tty;
  env.out_is_tty = given.out_is_tty;
  env.err_is_tty = given.err_is_tty;
  env.columns = given.columns;
  env.variable = [&](const char* name) -> std::optional<std::string> {
    const auto found = given.variables.find(name);
    return found == given.variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  Outcome out;
  out.code = jl::cli::run(words, env);
  out.out = content_of(env.out);
  out.err = content_of(env.err);
  ::close(env.out);
  ::close(env.err);
  if (given.in < 0) ::close(env.in);
  return out;
}

Outcome run(const FakeDaemon& daemon, std::vector<std::string> words, Given given) {
  given.variables["JLCTL_SOCKET"] = daemon.socket();
  return run(words, given);
}

std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) out.push_back(word);
      word.clear();
      any = false;
    } else if (!quoted && (c == '>' || c == '|')) {
      break;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push_back(word);
  return out;
}

}  // namespace jl::cli::test
