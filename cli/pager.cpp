#include "cli/pager.hpp"

#include "cli/output/sink.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace jl::cli {
namespace {

bool page(const Environment& env, std::string_view text, const std::string& pager) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return false;
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return false;
  }
  if (child == 0) {
    ::dup2(ends[0], 0);
    ::dup2(env.out, 1);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/bin/sh", "sh", "-c", pager.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[0]);
  // Leaving the pager early closes the pipe; that is no reason to die.
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const int failure = write_all(ends[1], text);
  ::close(ends[1]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::signal(SIGPIPE, before);
  const bool started = !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
  return started && (failure == 0 || failure == EPIPE);
}

}  // namespace

bool show_text(const Environment& env, std::string_view text, bool may_page) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  if (may_page && env.in_is_tty && env.out_is_tty && lines + 1 > env.rows) {
    std::string pager = env.variable("JLCTL_PAGER").value_or(env.variable_or_empty("PAGER"));
    if (!pager.empty() && pager != "cat" && page(env, text, pager)) return true;
  }
  const int failure = write_all(env.out, text);
  return failure == 0 || failure == EPIPE;
}

}  // namespace jl::cli
