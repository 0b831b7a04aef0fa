#include "daemon/base/folder_watch.hpp"

#include "daemon/base/clock.hpp"
#include "daemon/base/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace jl {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

namespace {
constexpr std::uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::chrono::milliseconds kMissing{1000};  // between looks for a folder that is not there
constexpr int kMostDepth = 16;

bool is_left_out(const std::string& name) { return name.starts_with('.') || name == "node_modules"; }
}  // namespace

struct FolderWatch::Impl {
  struct Folder {
    std::map<int, std::string> watches;             // descriptor -> path below it
    std::optional<Steady::time_point> due, latest;  // of telling about a change
    bool is_there = false;
  };

  Impl(Changed c, std::chrono::milliseconds q) : changed(std::move(c)), quiet(q) {
    inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (inotify < 0 || wake < 0) {
      log::error("base.watch", "folders are not watched: {}", std::strerror(errno));
      return;
    }
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
    }
    poke();
    if (thread.joinable()) thread.join();
    if (inotify >= 0) close(inotify);
    if (wake >= 0) close(wake);
  }

  void poke() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake, &one, sizeof one);
  }

  void touch(Folder& folder) {
    const auto now = Steady::now();
    if (!folder.latest) folder.latest = now + quiet * 10;
    folder.due = std::min(now + quiet, *folder.latest);
  }

  void watch(Folder& folder, const std::string& path, int depth) {
    if (depth > kMostDepth || folder.watches.size() >= kMostFolders) return;
    const int added = inotify_add_watch(inotify, path.c_str(), kEvents | IN_ONLYDIR | (depth > 0 ? IN_DONT_FOLLOW : 0));
    if (added < 0) {
      std::uint64_t held = 0;
      if (errno == ENOSPC && full_log.allow(system_clock().steady(), held))
        log::warn("base.watch", "\"{}\" is not watched: the limit of fs.inotify.max_user_watches is reached", path);
      return;
    }
    folder.watches[added] = path;
    std::error_code ec;
    fs::directory_iterator entry(path, fs::directory_options::skip_permission_denied, ec);
    for (; !ec && entry != fs::directory_iterator(); entry.increment(ec)) {
      std::error_code kind;
      if (entry->is_directory(kind) && !entry->is_symlink(kind) && !is_left_out(entry->path().filename().string()))
        watch(folder, entry->path().string(), depth + 1);
    }
  }

  void drop(Folder& folder) const {
    for (const auto& [descriptor, path] : folder.watches) inotify_rm_watch(inotify, descriptor);
    folder.watches.clear();
  }

  // Two protocols may live in one folder, and one folder below another: descriptors are then shared.
  void rewatch(const std::string& name, Folder& folder) {
    struct stat found {};
    const bool there = stat(name.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
    if (there && !folder.is_there) {
      watch(folder, name, 0);
      if (folder.watches.empty()) return;
      touch(folder);  // what changed before it was watched counts as well
    }
    folder.is_there = there;
  }

  void take_wishes() {
    std::optional<std::set<std::string>> taken;
    {
      const std::scoped_lock lock(mutex);
      taken.swap(wished);
    }
    if (!taken) return;
    for (auto it = folders.begin(); it != folders.end();) {
      if (taken->contains(it->first)) {
        ++it;
        continue;
      }
      drop(it->second);
      it = folders.erase(it);
      // A descriptor that another folder shares went with it.
      for (auto& [name, folder] : folders) drop(folder), folder.is_there = false;
    }
    for (const auto& name : *taken) folders.try_emplace(name);
    for (auto& [name, folder] : folders) rewatch(name, folder);
  }

  void on_event(const inotify_event& event) {
    for (auto& [name, folder] : folders) {
      if (event.mask & IN_Q_OVERFLOW) {
        touch(folder);
        continue;
      }
      const auto found = folder.watches.find(event.wd);
      if (found == folder.watches.end()) continue;
      const std::string path = found->second;
      const std::string changed_name = event.len > 0 ? event.name : "";
      if (is_left_out(changed_name)) continue;
      if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
        if (event.mask & IN_MOVE_SELF) inotify_rm_watch(inotify, event.wd);
        folder.watches.erase(event.wd);
        if (path == name) {
          drop(folder);
          folder.is_there = false;
        }
      }
      if ((event.mask & IN_ISDIR) && (event.mask & (IN_CREATE | IN_MOVED_TO)))
        watch(folder, path + "/" + changed_name,
              1 + static_cast<int>(std::ranges::count(path.substr(name.size()), '/')));
      touch(folder);
    }
  }

  void read_events() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    for (;;) {
      const ssize_t n = read(inotify, buffer.data(), buffer.size());
      if (n <= 0) return;
      for (ssize_t at = 0; at < n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        on_event(*event);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
  }

  // Milliseconds until something is to be done; -1 = nothing.
  int timeout() const {
    std::optional<Steady::duration> least;
    const auto now = Steady::now();
    for (const auto& [name, folder] : folders) {
      if (folder.due) least = std::min(least.value_or(*folder.due - now), *folder.due - now);
      if (!folder.is_there) least = std::min<Steady::duration>(least.value_or(kMissing), kMissing);
    }
    if (!least) return -1;
    return static_cast<int>(std::max<long>(0, std::chrono::ceil<std::chrono::milliseconds>(*least).count()));
  }

  void tell() {
    const auto now = Steady::now();
    for (auto& [name, folder] : folders) {
      if (!folder.is_there) rewatch(name, folder);
      if (!folder.due || *folder.due > now) continue;
      folder.due.reset();
      folder.latest.reset();
      changed(name);
    }
  }

  void run() {
    for (;;) {
      {
        const std::scoped_lock lock(mutex);
        if (stopping) return;
      }
      take_wishes();
      tell();
      std::array<pollfd, 2> wait{{{inotify, POLLIN, 0}, {wake, POLLIN, 0}}};
      (void)poll(wait.data(), wait.size(), timeout());
      std::uint64_t count = 0;
      [[maybe_unused]] const auto taken = read(wake, &count, sizeof count);
      read_events();
    }
  }

  log::RateLimit full_log{3'600'000};
  const Changed changed;
  const std::chrono::milliseconds quiet;
  int inotify = -1, wake = -1;
  std::map<std::string, Folder> folders;  // the thread's own
  std::mutex mutex;                       // guards what follows
  std::optional<std::set<std::string>> wished;
  bool stopping = false;
  std::thread thread;
};

FolderWatch::FolderWatch(Changed changed, std::chrono::milliseconds quiet)
    : impl_(std::make_unique<Impl>(std::move(changed), quiet)) {}

FolderWatch::~FolderWatch() = default;

void FolderWatch::set(std::set<std::string> folders) {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->wished = std::move(folders);
  }
  impl_->poke();
}

}  // namespace jl
