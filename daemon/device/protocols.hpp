#pragma once
// The codecs of all protocol resources: the built-in one, and one per package, which stays the same object while its
// packages come and go. Changes come on the mutation thread; the rest is for any thread.
#include "common/model/resource.hpp"
#include "daemon/codec/package/package_protocol.hpp"
#include "daemon/store/file_store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace jl::device {

/// How a protocol stands, for people.
struct ProtocolState {
  std::shared_ptr<const codec::Descriptor> descriptor;  ///< null: nothing works
  std::string problem;  ///< why the package as it is now cannot be used; an older one may be at work
  Millis loaded_at = 0;
  codec::package::Counters counters;
  bool is_package = false;
};

class Protocols {
 public:
  /// `files` may be null where no packages are uploaded; `devices` where scripts need not look up any.
  explicit Protocols(const store::FileStore* files = nullptr, const codec::package::DeviceBook* devices = nullptr,
                     const script::ProgramLimits& limits = {})
      : files_(files), devices_(devices), limits_(limits) {}

  /// Reads and compiles what a resource names, changing nothing that runs; use() of the same resource then takes it
  /// without doing so again. Errors: those of reading and loading packages.
  Result<std::shared_ptr<const codec::Descriptor>> inspect(const model::Resource& protocol);
  /// Forgets what was inspected and not put to use: the change it was for has failed.
  void forget_inspected() { inspected_.clear(); }
  /// What a resource says of itself: as inspected last, as it runs, else as inspect() finds it.
  Result<std::shared_ptr<const codec::Descriptor>> describe(const model::Resource& protocol);
  /// Puts a committed resource to use. One that cannot be loaded keeps what it had, and says why in state_of().
  /// Returns the codec; nullptr when nothing works.
  const codec::Protocol* use(const model::Resource& protocol, Millis now);
  /// The resource is gone.
  void forget(const std::string& id);
  /// Whether a package will do for those that use it.
  using Check = std::function<Status(const codec::Descriptor&)>;
  /// Loads a package anew. False when it still is as it was: nothing changed, or what came does not work or will not
  /// do, which state_of() tells.
  bool reload(const model::Resource& protocol, Millis now, const Check& check = {});
  /// Protocols whose package took too long to load: a machine with more time may load it.
  [[nodiscard]] std::vector<std::string> late() const;

  /// Whether what the resource names is there to be read.
  [[nodiscard]] bool has_files(const model::Resource& protocol) const;
  /// Of all packages that work, by protocol.
  [[nodiscard]] std::map<std::string, codec::package::Counters> counters() const;
  [[nodiscard]] ProtocolState state_of(const model::Resource& protocol) const;
  /// The folders of local packages, and which protocols live in each.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> folders() const;
  /// Called, on the mutation thread, when folders() may have changed.
  void on_folders(std::function<void()> changed) { folders_changed_ = std::move(changed); }
  /// The codec as it runs; nullptr when nothing works.
  [[nodiscard]] const codec::Protocol* codec_of(const model::Resource& protocol) const;

 private:
  struct Loaded {
    std::string source;  // what it was made of: type and place
    Result<std::shared_ptr<const codec::package::Package>> package;
  };
  struct Entry {
    // Never freed before the daemon ends: sessions point at it.
    std::unique_ptr<codec::package::PackageProtocol> codec;
    std::string source, problem;
    Millis loaded_at = 0;
    bool is_late = false;
  };
  Result<std::shared_ptr<const codec::package::Package>> load(const model::Resource& protocol) const;
  Entry& entry(const std::string& id);
  const codec::Protocol* take(const model::Resource& protocol, Millis now);

  const store::FileStore* files_;
  const codec::package::DeviceBook* devices_;
  const script::ProgramLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, Loaded, std::less<>> inspected_;  // mutation thread only
  std::function<void()> folders_changed_;
};

}  // namespace jl::device
