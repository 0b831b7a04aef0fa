#include "cli/app.hpp"
#include "cli/signals.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  jl::cli::install_signal_handlers();
  // Completion runs at every press of a key: whatever hangs, it ends.
  if (!words.empty() && words.front() == "__complete") jl::cli::exit_quietly_after(std::chrono::milliseconds(300));
  return jl::cli::run(words, jl::cli::process_environment());
}
