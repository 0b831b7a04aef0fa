#include "cli/signals.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace jl::cli {
namespace {

// Read by the handler: plain memory, published by the flags.
int g_terminal = 0;
termios g_terminal_state{};
std::atomic<bool> g_has_terminal{false};
std::array<char, 4096> g_file{};
std::atomic<bool> g_has_file{false};
int g_words_to = 2;
std::array<char, 512> g_words{};
std::size_t g_words_size = 0;
std::atomic<bool> g_has_words{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int number) {
  if (g_has_terminal.load()) ::tcsetattr(g_terminal, TCSANOW, &g_terminal_state);
  if (g_has_file.load()) ::unlink(g_file.data());
  if (g_has_words.load()) {
    const ssize_t written = ::write(g_words_to, g_words.data(), g_words_size);
    static_cast<void>(written);  // nothing is left to be done about it
  }
  ::_exit(128 + number);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // nohup and shells' background jobs ignore some of them on purpose.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
}

void exit_quietly_after(std::chrono::milliseconds time) {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(0); };
  ::sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(time.count() / 1000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void restore_terminal_on_signal(int fd, const termios& state) {
  g_terminal = fd;
  g_terminal_state = state;
  g_has_terminal.store(true);
}

void forget_terminal() { g_has_terminal.store(false); }

void remove_file_on_signal(const std::string& path) {
  if (path.size() >= g_file.size()) return;
  path.copy(g_file.data(), path.size());
  g_file[path.size()] = '\0';
  g_has_file.store(true);
}

void forget_file() { g_has_file.store(false); }

void say_on_signal(int fd, const std::string& text) {
  if (text.size() >= g_words.size()) return;
  g_has_words.store(false);
  text.copy(g_words.data(), text.size());
  g_words_size = text.size();
  g_words_to = fd;
  g_has_words.store(true);
}

void forget_words() { g_has_words.store(false); }

}  // namespace jl::cli
