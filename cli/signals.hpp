#pragma once
// SIGINT and SIGTERM end jlctl at once with 128 + n: whatever it asked for goes on in the daemon. Before that the
// terminal gets its echo back, a half-written file goes away, and whoever waits is told what goes on without them.
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

/// Written to the descriptor as it is; at most 511 bytes, a longer text is left out.
void say_on_signal(int fd, const std::string& text);
void forget_words();

}  // namespace jl::cli
