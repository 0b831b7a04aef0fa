#include "cli/exit_codes.hpp"

#include <array>

namespace jl::cli {

std::span<const ExitCode> exit_codes() {
  static constexpr std::array<ExitCode, 18> kTable{{
      {0, "ok", "done, or nothing had to be done"},
      {1, "failed", "something unexpected, or the result could not be written"},
      {2, "usage", "a word, flag or value on the command line is wrong"},
      {3, "not_found", "a named object does not exist"},
      {4, "conflict", "it exists with another specification, its revision or request id differs, or it is in use"},
      {5, "invalid", "a manifest or a field was rejected by validation"},
      {6, "denied", "your role, or the permissions of the socket, do not allow it"},
      {7, "unavailable", "the daemon is not running or not ready, or a device is offline; try again"},
      {8, "timeout", "--timeout or --wait-timeout passed; the work may go on"},
      {9, "version", "jlctl and jlinkd speak different versions"},
      {10, "job_failed", "it was accepted and then ended badly, or the device answered with a failure"},
      {11, "partial", "some items of several failed"},
      {12, "unconfirmed", "a confirmation was needed and not given"},
      {20, "differs", "diff or apply --dry-run found differences"},
      {21, "changed", "something was changed, and --exit-changed was given"},
      {130, "interrupted", "ended by Ctrl-C"},
      {141, "pipe", "the reader of the output went away"},
      {143, "terminated", "ended by SIGTERM"},
  }};
  return kTable;
}

}  // namespace jl::cli
