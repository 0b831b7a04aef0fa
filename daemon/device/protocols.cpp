#include "daemon/device/protocols.hpp"

#include "common/model/protocol.hpp"
#include "daemon/base/log.hpp"

namespace jl::device {
namespace {
using model::ProtocolType;

constexpr std::string_view kLocal = "local ";

// What a package is made of; two resources with the same text have the same package. "" = built in.
std::string source_of(const model::Resource& protocol) {
  const auto spec = model::from_json<model::Protocol>(protocol.spec);
  switch (spec.type) {
    case ProtocolType::builtin:
      break;
    case ProtocolType::jar:
      return "jar " + model::from_json<model::JarConfiguration>(spec.configuration).file_id;
    case ProtocolType::local:
      return std::string(kLocal) + model::from_json<model::LocalConfiguration>(spec.configuration).location;
  }
  return {};
}

// The protocol of a resource that needs no package; nullptr when it does.
const codec::Protocol* builtin_of(const model::Resource& protocol) {
  const auto spec = model::from_json<model::Protocol>(protocol.spec);
  if (spec.type != ProtocolType::builtin) return nullptr;
  switch (model::from_json<model::BuiltinConfiguration>(spec.configuration).builtin) {
    case model::BuiltinProtocol::jetlinks_official:
      break;
    case model::BuiltinProtocol::modbus_tcp:
      return &codec::modbus_protocol();
  }
  return &codec::official_protocol();
}

bool same_files(const codec::package::Package& a, const codec::package::Package& b) { return a.files == b.files; }

}  // namespace

Result<std::shared_ptr<const codec::package::Package>> Protocols::load(const model::Resource& protocol) const {
  const auto spec = model::from_json<model::Protocol>(protocol.spec);
  codec::package::Files files;
  if (spec.type == ProtocolType::jar) {
    const auto id = model::from_json<model::JarConfiguration>(spec.configuration).file_id;
    if (!files_ || !store::FileStore::is_id(id))
      return Error(Errc::invalid, "the package was not uploaded", "jlctl protocol edit " + protocol.id + " --file PKG");
    JL_TRY(files, codec::package::read_archive(files_->path_of(id)));
  } else {
    JL_TRY(files,
           codec::package::read_folder(model::from_json<model::LocalConfiguration>(spec.configuration).location));
  }
  return codec::package::load(protocol.id, std::move(files), limits_);
}

Result<std::shared_ptr<const codec::Descriptor>> Protocols::inspect(const model::Resource& protocol) {
  if (const codec::Protocol* builtin = builtin_of(protocol)) return builtin->descriptor();
  std::string source = source_of(protocol);
  inspected_.erase(protocol.id);
  const auto& kept = inspected_.emplace(protocol.id, Loaded{std::move(source), load(protocol)}).first->second;
  if (!kept.package) return kept.package.error();
  return (*kept.package)->descriptor;
}

Result<std::shared_ptr<const codec::Descriptor>> Protocols::describe(const model::Resource& protocol) {
  if (const codec::Protocol* builtin = builtin_of(protocol)) return builtin->descriptor();
  const std::string source = source_of(protocol);
  if (const auto known = inspected_.find(protocol.id); known != inspected_.end() && known->second.source == source) {
    if (!known->second.package) return known->second.package.error();
    return (*known->second.package)->descriptor;
  }
  {
    const std::scoped_lock lock(mutex_);
    const auto it = entries_.find(protocol.id);
    if (it != entries_.end() && it->second.source == source) {
      if (const auto package = it->second.codec->package()) return package->descriptor;
    }
  }
  return inspect(protocol);
}

Protocols::Entry& Protocols::entry(const std::string& id) {
  Entry& out = entries_[id];
  if (!out.codec) out.codec = std::make_unique<codec::package::PackageProtocol>(id, devices_);
  return out;
}

std::map<std::string, std::vector<std::string>> Protocols::folders() const {
  std::map<std::string, std::vector<std::string>> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry.source.starts_with(kLocal)) out[entry.source.substr(kLocal.size())].push_back(id);
  }
  return out;
}

const codec::Protocol* Protocols::use(const model::Resource& protocol, Millis now) {
  const codec::Protocol* out = take(protocol, now);
  if (folders_changed_) folders_changed_();
  return out;
}

const codec::Protocol* Protocols::take(const model::Resource& protocol, Millis now) {
  if (const codec::Protocol* builtin = builtin_of(protocol)) return builtin;
  const std::string source = source_of(protocol);
  {
    const std::scoped_lock lock(mutex_);
    const Entry& running = entry(protocol.id);
    // A change of something else, such as its name, loads nothing.
    if (running.source == source && running.codec->package() && !inspected_.contains(protocol.id))
      return running.codec.get();
  }
  Result<std::shared_ptr<const codec::package::Package>> package{nullptr};
  if (const auto known = inspected_.find(protocol.id);
      known != inspected_.end() && known->second.source == source && known->second.package) {
    package = std::move(known->second.package);
  } else {
    package = load(protocol);
  }
  inspected_.erase(protocol.id);
  const std::scoped_lock lock(mutex_);
  Entry& running = entry(protocol.id);
  if (package) {
    running.problem.clear();
    running.is_late = false;
    running.loaded_at = now;
    running.codec->set(*package);
  } else {
    // Another source's package is not kept: it is not what the resource says any more.
    if (running.source != source) running.codec->set(nullptr);
    running.problem = package.error().message;
    running.is_late = package.error().code == Errc::timeout;
    log::error("device.protocols", "protocol={} cannot be loaded: {}", protocol.id, running.problem);
  }
  running.source = source;
  return running.codec->package() ? running.codec.get() : nullptr;
}

void Protocols::forget(const std::string& id) {
  inspected_.erase(id);
  {
    const std::scoped_lock lock(mutex_);
    const auto it = entries_.find(id);
    if (it == entries_.end()) return;
    it->second.codec->set(nullptr);
    it->second.source.clear();
    it->second.problem.clear();
    it->second.is_late = false;
  }
  if (folders_changed_) folders_changed_();
}

bool Protocols::reload(const model::Resource& protocol, Millis now, const Check& check) {
  auto package = load(protocol);
  if (package && check) {
    if (const Status fits = check(*(*package)->descriptor); !fits) package = fits.error();
  }
  const std::scoped_lock lock(mutex_);
  Entry& running = entry(protocol.id);
  const auto before = running.codec->package();
  running.source = source_of(protocol);
  if (!package) {
    if (running.problem != package.error().message) {
      log::warn("device.protocols", "protocol={} not reloaded, {}: {}", protocol.id,
                before ? "the version before goes on" : "nothing works", package.error().message);
    }
    running.problem = package.error().message;
    running.is_late = package.error().code == Errc::timeout;
    return false;
  }
  running.problem.clear();
  running.is_late = false;
  if (before && same_files(*before, **package)) return false;
  running.loaded_at = now;
  running.codec->set(*package);
  log::info("device.protocols", "protocol={} loaded anew, version \"{}\"", protocol.id,
            (*package)->descriptor->version);
  return true;
}

bool Protocols::has_files(const model::Resource& protocol) const {
  const auto spec = model::from_json<model::Protocol>(protocol.spec);
  if (spec.type != ProtocolType::jar) return true;
  return files_ && files_->find(model::from_json<model::JarConfiguration>(spec.configuration).file_id);
}

std::vector<std::string> Protocols::late() const {
  std::vector<std::string> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry.is_late) out.push_back(id);
  }
  return out;
}

std::map<std::string, codec::package::Counters> Protocols::counters() const {
  std::map<std::string, codec::package::Counters> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (const auto package = entry.codec->package()) out[id] = package->program->counters();
  }
  return out;
}

ProtocolState Protocols::state_of(const model::Resource& protocol) const {
  ProtocolState out;
  if (const codec::Protocol* builtin = builtin_of(protocol)) {
    out.descriptor = builtin->descriptor();
    return out;
  }
  out.is_package = true;
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(protocol.id);
  if (it == entries_.end()) return out;
  out.problem = it->second.problem;
  out.loaded_at = it->second.loaded_at;
  if (const auto package = it->second.codec->package()) {
    out.descriptor = package->descriptor;
    out.counters = package->program->counters();
  }
  return out;
}

const codec::Protocol* Protocols::codec_of(const model::Resource& protocol) const {
  if (const codec::Protocol* builtin = builtin_of(protocol)) return builtin;
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(protocol.id);
  return it != entries_.end() && it->second.codec->package() ? it->second.codec.get() : nullptr;
}

}  // namespace jl::device
