#pragma once
// Tells when something in a folder, or in a folder below it, has changed and then been quiet for a while. One thread on
// inotify(7). Folders on network file systems that others write to are not noticed.
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace jl {

class FolderWatch {
 public:
  /// `changed` gets the folder as set() named it, on the watch's own thread.
  using Changed = std::function<void(const std::string& folder)>;

  /// `quiet`: how long nothing must happen after a change. Changes that never cease are told of after ten times that.
  FolderWatch(Changed changed, std::chrono::milliseconds quiet);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  /// The folders to watch from now on, by absolute path. One that is not there is told of when it comes. Any thread.
  void set(std::set<std::string> folders);

  /// Folders below one watched folder, at most; further ones are not looked at.
  static constexpr std::size_t kMostFolders = 1000;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl
