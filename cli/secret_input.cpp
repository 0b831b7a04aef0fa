#include "cli/secret_input.hpp"

#include "cli/output/sink.hpp"
#include "cli/signals.hpp"
#include "common/text/manifest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace jl::cli {
namespace {

constexpr std::size_t kMaxSecret = 64 * 1024;

Secret without_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return Secret(std::move(text));
}

// Turns the echo of a terminal off for a while; a signal in between turns it on again.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    restore_terminal_on_signal(fd_, before_);
    active_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (active_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    forget_terminal();
  }
  [[nodiscard]] bool active() const { return active_; }

 private:
  int fd_;
  termios before_{};
  bool active_ = false;
};

}  // namespace

Result<std::string> SecretInput::from_file(const std::string& path, std::size_t most, bool is_secret) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return Error(Errc::usage, "\"" + path + "\" cannot be read: " + std::strerror(errno));
  struct stat about {};
  if (is_secret && ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    console_.warning("\"" + path + "\" holds a secret and others may read it; chmod 600 keeps it yours");
  }
  auto text = text::read_all(fd, path, most);
  ::close(fd);
  return text;
}

Status SecretInput::take_stdin(const std::string& what) {
  if (stdin_used_)
    return Error(Errc::usage, what + ": standard input has been read already", "use a file or a descriptor");
  stdin_used_ = true;
  return {};
}

Result<std::string> SecretInput::from_stdin(const std::string& what, std::size_t most) {
  JL_CHECK(take_stdin(what));
  return text::read_all(env_.in, "standard input", most);
}

Result<std::string> SecretInput::content(FlagUse use, const std::string& source, const std::string& what,
                                         std::size_t most) {
  switch (use) {
    case FlagUse::file:
    case FlagUse::secret_file:
      return source == "-" ? from_stdin(what, most) : from_file(source, most, use == FlagUse::secret_file);
    case FlagUse::secret_fd: {
      int fd = -1;
      const auto [end, ec] = std::from_chars(source.data(), source.data() + source.size(), fd);
      if (ec != std::errc{} || end != source.data() + source.size() || fd < 0) {
        return Error(Errc::usage, what + ": \"" + source + "\" is not a file descriptor");
      }
      return text::read_all(fd, "file descriptor " + source, most);
    }
    case FlagUse::secret_credential: {
      const std::string folder = env_.variable_or_empty("CREDENTIALS_DIRECTORY");
      if (folder.empty()) {
        return Error(Errc::usage, what + ": CREDENTIALS_DIRECTORY is not set",
                     "LoadCredential= in a systemd unit sets it");
      }
      if (source.empty() || source.find('/') != std::string::npos || source == "." || source == "..") {
        return Error(Errc::usage, what + ": \"" + source + "\" is not the name of a credential");
      }
      return from_file(folder + "/" + source, most, true);
    }
    default:
      return from_stdin(what, most);
  }
}

Result<Secret> SecretInput::read_content(FlagUse use, const std::string& source, const std::string& what,
                                         std::size_t most) {
  JL_TRY(std::string text, content(use, source, what, most));
  return Secret(std::move(text));
}

Result<Secret> SecretInput::read(FlagUse use, const std::string& source, const std::string& what) {
  if (use == FlagUse::secret_stdin && env_.in_is_tty) return ask(what);
  JL_TRY(std::string text, content(use, source, what, kMaxSecret));
  return without_newline(std::move(text));
}

Result<Secret> SecretInput::ask(const std::string& what) {
  if (!may_ask_)
    return Error(Errc::unconfirmed, what + " must be typed, and nobody may be asked",
                 "name a file with a flag that ends in -file");
  console_.end_progress();
  write_all(env_.err, what + ": ");
  const NoEcho silent(env_.in);
  if (!silent.active()) return Error(Errc::failed, "the terminal cannot be made silent");
  std::string text;
  char c = 0;
  while (text.size() < kMaxSecret) {
    const ssize_t n = ::read(env_.in, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') break;
    text += c;
  }
  write_all(env_.err, "\n");
  if (text.empty()) return Error(Errc::usage, what + " is empty");
  return without_newline(std::move(text));
}

}  // namespace jl::cli
