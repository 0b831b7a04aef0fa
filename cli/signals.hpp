#pragma once
// SIGINT and SIGTERM end jlctl at once with 128 + n: whatever it asked for goes on in the daemon. Before that the
// terminal gets its echo back and a half-written file goes away.
#include <termios.h>

#include <chrono>
#include <string>

namespace jl::cli {

/// Called once by main().
void install_signal_handlers();
/// Ends the process with 0 when it still runs then.
void exit_quietly_after(std::chrono::milliseconds time);

void restore_terminal_on_signal(int fd, const termios& state);
void forget_terminal();

/// Only one file at a time; at most 4095 bytes of path.
void remove_file_on_signal(const std::string& path);
void forget_file();

}  // namespace jl::cli
