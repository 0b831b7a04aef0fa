#pragma once
// Runs one skipped test case of this binary as a process of its own, so that it can be killed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jl::test {

/// What a child tells its parent: the kind of thing it has done, and its number.
struct Report {
  char kind = 0;
  std::uint64_t number = 0;
};

class Child {
 public:
  static constexpr int kReportFd = 3;
  static constexpr const char* kFolderVariable = "JL_TEST_CHILD_FOLDER";

  Child(const std::string& test_case, const std::string& folder) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    std::string self = "/proc/self/exe", name = "--test-case=" + test_case, all = "--no-skip";
    std::array<char*, 4> arguments = {self.data(), name.data(), all.data(), nullptr};
    std::string variable = std::string(kFolderVariable) + "=" + folder;
    std::vector<char*> variables = {variable.data()};
    for (char** each = environ; *each != nullptr; ++each) variables.push_back(*each);
    variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], kReportFd);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    const int result = ::posix_spawn(&pid_, self.c_str(), &actions, nullptr, arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    reports_ = ends[0];
    REQUIRE(result == 0);
  }
  ~Child() {
    if (pid_ > 0) kill();
    ::close(reports_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// nullopt when the child has gone and everything it said is read.
  [[nodiscard]] std::optional<Report> read() const {
    Report report;
    const auto size = ::read(reports_, &report, sizeof report);
    if (size != static_cast<ssize_t>(sizeof report)) return std::nullopt;
    return report;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// The exit code, or -1 when it was killed.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // In the child:
  static std::string folder() {
    const char* const text = std::getenv(kFolderVariable);
    REQUIRE(text != nullptr);
    return text;
  }
  static void report(char kind, std::uint64_t number) {
    Report report;
    report.kind = kind;
    report.number = number;
    if (::write(kReportFd, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) ::_exit(1);
  }

 private:
  pid_t pid_ = 0;
  int reports_ = -1;
};

}  // namespace jl::test
