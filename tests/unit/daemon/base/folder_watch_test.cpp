#include "daemon/base/folder_watch.hpp"

#include "tests/support/temp_folder.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

namespace jl {
namespace {
namespace fs = std::filesystem;

// Waits for the watch's words; a test that gets none fails by its time limit.
struct Bench {
  void write(const std::string& name) const { std::ofstream(folder.path() + "/" + name) << "x"; }
  bool told(const std::string& of) {
    std::unique_lock lock(mutex);
    const bool came = changed.wait_for(lock, std::chrono::seconds(20), [&] { return last == of; });
    last.clear();
    return came;
  }
  test::TempFolder folder;
  std::mutex mutex;
  std::condition_variable changed;
  std::string last;
  FolderWatch watch{[this](const std::string& name) {
                      const std::scoped_lock lock(mutex);
                      last = name;
                      changed.notify_all();
                    },
                    std::chrono::milliseconds(5)};
};

}  // namespace

TEST_SUITE("base.folder_watch") {
  TEST_CASE("changes in a folder and below it are told of, also in folders that come later") {
    Bench b;
    b.watch.set({b.folder.path()});
    CHECK(b.told(b.folder.path()));  // what changed before it was watched
    b.write("main.js");
    CHECK(b.told(b.folder.path()));
    fs::create_directory(b.folder.path() + "/lib");
    CHECK(b.told(b.folder.path()));
    b.write("lib/crc.js");
    CHECK(b.told(b.folder.path()));
    fs::rename(b.folder.path() + "/lib", b.folder.path() + "/other");
    CHECK(b.told(b.folder.path()));
    fs::remove(b.folder.path() + "/main.js");
    CHECK(b.told(b.folder.path()));
  }

  TEST_CASE("a folder that goes and comes again is watched again") {
    Bench b;
    const std::string name = b.folder.path() + "/package";
    fs::create_directory(name);
    b.watch.set({name});
    CHECK(b.told(name));
    fs::remove_all(name);
    CHECK(b.told(name));
    fs::create_directory(name);
    CHECK(b.told(name));
    b.write("package/main.js");
    CHECK(b.told(name));
  }

  TEST_CASE("a folder that is watched no more is not told of, and those beside it still are") {
    Bench b;
    const std::string one = b.folder.path() + "/one", two = b.folder.path() + "/two";
    fs::create_directory(one);
    fs::create_directory(two);
    b.watch.set({one});
    CHECK(b.told(one));
    b.watch.set({two});
    CHECK(b.told(two));
    b.write("one/x");
    b.write("two/x");
    CHECK(b.told(two));
  }
}

}  // namespace jl
