#include "tests/bench/process_usage.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace jl::bench {

ProcessUsage usage_of(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream file(folder + "/stat");
  std::string line;
  if (!std::getline(file, line)) {
    std::fprintf(stderr, "no process %d\n", pid);
    std::exit(1);
  }
  // The name, in parentheses, may hold anything; fields are counted from behind it (proc(5)): utime is the 14th.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;

  std::uint64_t pages = 0, resident = 0;
  std::ifstream(folder + "/statm") >> pages >> resident;
  return {(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)),
          resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))};
}

}  // namespace jl::bench
