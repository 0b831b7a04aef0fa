// jlinkd: command line, signals, systemd. Runs in the foreground; exits with sysexits codes.
#include "common/control/api.hpp"
#include "daemon/app.hpp"

#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace {

constexpr std::chrono::milliseconds kDrain{5000};

void print(const jl::Error& error) {
  std::fprintf(stderr, "jlinkd: error[%s]: %s\n", std::string(error.word()).c_str(), error.message.c_str());
  for (const auto& p : error.problems) {
    if (p.position) {
      std::fprintf(stderr, "  %s:%u:%u: %s: %s\n", p.position->file.c_str(), p.position->line, p.position->column,
                   p.field.c_str(), p.message.c_str());
    } else {
      std::fprintf(stderr, "  %s: %s\n", p.field.c_str(), p.message.c_str());
    }
  }
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
}

// What keeps the daemon from starting, as systemd should see it.
int exit_code(const jl::Error& error) {
  if (error.code == jl::Errc::conflict) return EX_UNAVAILABLE;  // another daemon has the state folder or the socket
  return jl::info(error.code).sysexit;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Waits for signals and ticks until it is time to stop.
void serve(jl::App& app, const std::string& config_path, const sigset_t& signals) {
  std::uint64_t watchdog_usec = 0;
  const bool watchdog = sd_watchdog_enabled(0, &watchdog_usec) > 0;
  for (;;) {
    const timespec second{1, 0};
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) {
      sd_notify(0, "RELOADING=1");
      if (auto config = jl::read_config(config_path)) {
        app.reload(*config);
      } else {
        jl::log::error("app", "configuration not reloaded: {}", config.error().message);
      }
      sd_notify(0, "READY=1");
    }
    if (signal < 0) app.tick();
    if (watchdog && app.is_alive()) sd_notify(0, "WATCHDOG=1");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"jlinkd: headless IoT access gateway"};
  std::string config_path{jl::control::kDefaultConfig};
  bool check = false;
  cli.add_option("-c,--config", config_path, "configuration file")->capture_default_str();
  cli.add_flag("--check-config", check, "check the configuration file and exit");
  cli.set_version_flag("-V,--version", "jlinkd " + std::string(jl::control::kProgramVersion));
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? EX_OK : EX_USAGE;
  }

  auto config = jl::read_config(config_path);
  if (!config) {
    print(config.error());
    return EX_CONFIG;
  }
  if (check) {
    std::printf("%s: ok\n", config_path.c_str());
    return EX_OK;
  }

  // Blocked before any thread starts, so that only this one takes them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();

  auto app = jl::App::start(*config, jl::system_clock());
  if (!app) {
    print(app.error());
    return exit_code(app.error());
  }
  sd_notify(0, "READY=1");
  serve(**app, config_path, signals);
  sd_notify(0, "STOPPING=1");
  jl::log::info("app", "stopping; a second signal skips draining");

  // A second signal while draining ends the process at once; everything acknowledged is in the log already.
  std::atomic<bool> done{false};
  std::thread impatience([&] {
    while (!done) {
      const timespec wait{0, 100'000'000};
      const int signal = sigtimedwait(&signals, nullptr, &wait);
      if ((signal == SIGTERM || signal == SIGINT) && !done) _exit(EX_OK);
    }
  });
  (*app)->stop(kDrain);
  done = true;
  impatience.join();
  app->reset();
  return EX_OK;
}
