#include "daemon/app.hpp"

#include "daemon/base/folder_watch.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/server_start.hpp"
#include "daemon/device/cert_expiry.hpp"
#include "daemon/logs/retention.hpp"
#include "daemon/services/resources.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace jl {

namespace {

// An editor or rsync writes many files: a local package is loaded once they have come to rest.
constexpr std::chrono::milliseconds kQuiet{500};

// The socket's folder, private to the daemon and its group; systemd makes it in production.
Status make_socket_folder(const std::string& socket) {
  const std::string folder = socket.substr(0, socket.rfind('/'));
  if (folder.empty() || mkdir(folder.c_str(), 0750) == 0 || errno == EEXIST) return {};
  return Error(errno == EACCES ? Errc::denied : Errc::storage,
               "cannot make folder \"" + folder + "\" for the control socket: " + std::strerror(errno),
               "set control.socket in jlinkd.yaml");
}

}  // namespace

// Members stand in the order in which they start; they go in the reverse one.
struct App::Impl {
  Impl(const Config& c, const Clock& k, std::unique_ptr<store::Store> s, std::unique_ptr<store::FileStore> f,
       store::Sealer sealer)
      : config(c),
        clock(k),
        started_at(k.now()),
        store(std::move(s)),
        files(std::move(f)),
        logs(*store, clock),
        access_log(logs),
        system_log(logs::store_system_log(logs, c.stored_level)),
        secrets(std::move(sealer)),
        protocols(files.get(), &book),
        catalogs(secrets, &protocols, &k),
        cert_expiry(k),
        directory(*store, secrets, catalogs),
        depot(secrets.derived_key("download tokens")),
        upgrades(*store, clock, depot),
        downloads(depot, upgrades, *files, clock),
        syncer(c.durability == device::Durability::sync ? std::make_unique<device::Syncer>(*store) : nullptr),
        threads(c.threads, clock),
        mutator(*store),
        resources({*store, *files, secrets, catalogs, protocols, sessions, clock, c.node_id, started_at}, mutator) {
    book.bind(directory);
    bus.add(history);
    bus.add(latest);
    bus.add(upgrades);
    bus.add(tail);
    bus.add(northbound);
    for (std::size_t i = 0; i < threads.size(); ++i) {
      turn_logs.push_back(std::make_unique<device::TurnLog>(*store, syncer.get(), threads.at(i)));
      kept.push_back(std::make_unique<access::KeptSessions>(threads.at(i)));
      threads.at(i).set_commit(turn_logs.back().get());
      turns.push_back(std::make_unique<std::atomic<std::uint64_t>>(0));
    }
    threads.start();
    const access::Context context{directory, bus, sessions, resources, clock, turn_logs, kept, &traces};
    commands = std::make_unique<access::Commands>(context);
    const access::MqttServices mqtt{catalogs, passwords, *commands, c.command_timeout};
    runtime = std::make_unique<runtime::Runtime>(runtime::Materials{threads, context, mqtt, depot, upgrades, downloads},
                                                 *store, secrets, northbound, c.node_id);
    resources.set_runtime(*runtime);
    calls = std::make_unique<control::Calls>(
        control::Rooms{*store, *files, resources, *runtime, *commands, sessions, catalogs, directory, protocols, tail,
                       traces, logs, clock, c.node_id, c.state_dir, started_at, c.command_timeout, turn_logs});
  }

  void watch_folders() const {
    std::set<std::string> names;
    for (const auto& [folder, ids] : protocols.folders()) names.insert(folder);
    folders->set(std::move(names));
  }
  void reload_folder(const std::string& folder) {
    for (const auto& [name, ids] : protocols.folders()) {
      if (name != folder) continue;
      for (const auto& id : ids) resources.reload_protocol(id);
    }
  }

  Config config;
  const Clock& clock;
  Millis started_at;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::FileStore> files;
  logs::LogStore logs;
  logs::AccessLog access_log;
  std::shared_ptr<void> system_log;
  device::Secrets secrets;
  device::DirectoryBook book;
  device::Protocols protocols;
  device::Catalogs catalogs;
  device::CertExpiry cert_expiry;
  device::Directory directory;
  device::HistorySink history;
  device::LatestSink latest;
  device::TailSink tail;
  access::NorthboundSink northbound;
  ota::Depot depot;
  ota::Upgrades upgrades;
  ota::Downloads downloads;
  device::Bus bus;
  access::Sessions sessions;
  access::Traces traces;
  std::unique_ptr<device::Syncer> syncer;
  network::IoThreads threads;
  std::vector<std::unique_ptr<device::TurnLog>> turn_logs;
  std::vector<std::unique_ptr<access::KeptSessions>> kept;
  access::PasswordCheck passwords;
  services::Mutator mutator;
  services::Resources resources;
  std::unique_ptr<access::Commands> commands;
  std::unique_ptr<runtime::Runtime> runtime;
  std::unique_ptr<control::Calls> calls;
  std::unique_ptr<logs::RetentionJob> retention;
  std::unique_ptr<control::Server> server;
  std::unique_ptr<FolderWatch> folders;  // of local packages
  // Watchdog: each loop adds one when it gets round to it.
  std::vector<std::unique_ptr<std::atomic<std::uint64_t>>> turns;
  std::uint64_t ticks = 0;
  bool alive = true;
  bool stopped = false;
};

App::App() = default;

App::~App() {
  if (impl_ && !impl_->stopped) stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<App>> App::start(const Config& config, const Clock& clock,
                                        std::function<control::Caller(int fd)> caller_of) {
  log::set_level(config.log_level);
  JL_TRY(auto store, store::open({config.state_dir}));
  JL_TRY(auto sealer, store::Sealer::open(config.state_dir + "/secret.key"));
  JL_TRY(auto files, store::FileStore::open(config.state_dir + "/files"));
  JL_CHECK(make_socket_folder(config.socket));

  std::unique_ptr<App> app(new App());
  app->impl_ = std::make_unique<Impl>(config, clock, std::move(store), std::move(files), std::move(sealer));
  Impl& i = *app->impl_;
  JL_CHECK(i.catalogs.load(*i.store->snapshot()));
  i.cert_expiry.check(*i.catalogs.current());
  std::vector<model::Resource> networks;
  const std::string from = store::key({"network", ""});
  JL_CHECK(i.store->snapshot()->scan(store::Family::resources, from, store::prefix_end(from), false,
                                     [&](std::string_view key, std::string_view value, store::Revision revision) {
                                       if (auto resource =
                                               model::from_stored("network", store::key_part(key, 1), value, revision))
                                         networks.push_back(std::move(*resource));
                                       return true;
                                     }));
  i.runtime->boot(networks);
  i.folders = std::make_unique<FolderWatch>([&i](const std::string& folder) { i.reload_folder(folder); }, kQuiet);
  i.protocols.on_folders([&i] { i.watch_folders(); });
  i.watch_folders();
  i.resources.sweep_files();
  const logs::Retention log_retention{config.log_days * 86'400'000LL, static_cast<std::uint64_t>(config.log_megabytes)
                                                                          << 20u};
  i.retention = std::make_unique<logs::RetentionJob>(
      *i.store, i.logs, clock,
      logs::RetentionPlan{log_retention, log_retention, config.message_days * 86'400'000LL,
                          static_cast<std::uint64_t>(config.messages_per_device)});

  control::ServerOptions options;
  options.socket_path = config.socket;
  options.socket_group = config.socket_group;
  options.roles = config.roles;
  options.files = i.files.get();
  JL_TRY(i.server, control::start_server(
                       options,
                       [&i](control::Call call, std::shared_ptr<control::Responder> reply) {
                         i.calls->handle(std::move(call), std::move(reply));
                       },
                       i.access_log, clock, std::move(caller_of)));
  i.calls->set_ready(true);
  log::info("app", "ready node={} state={} socket={} threads={}", config.node_id, config.state_dir, config.socket,
            i.threads.size());
  return app;
}

void App::tick() {
  Impl& i = *impl_;
  i.mutator.run([&i] { i.runtime->retry_failed(); });
  i.runtime->ota().upgrades().poke();
  i.cert_expiry.check(*i.catalogs.current());
  if (i.ticks % 30 == 29) {
    for (const auto& id : i.protocols.late()) i.resources.reload_protocol(id);
  }
  if (++i.ticks % 3600 == 0) {
    i.resources.forget_old_requests();
    i.resources.sweep_files();
    i.runtime->tidy();
  }
  if (i.ticks % 10 == 0) {
    // Ten seconds are enough for any loop to get round to one small piece of work.
    i.alive = true;
    for (std::size_t n = 0; n < i.turns.size(); ++n) {
      i.alive &= i.ticks == 10 || i.turns[n]->load() > 0;
      i.turns[n]->store(0);
      i.threads.at(n).post([&i, n] { i.turns[n]->fetch_add(1); });
    }
  }
}

bool App::is_alive() const { return impl_->alive; }

void App::reload(const Config& config) {
  log::set_level(config.log_level);
  impl_->server->set_roles(config.roles);
  log::info("app", "reloaded roles and log level");
}

void App::stop(std::chrono::milliseconds drain) {
  Impl& i = *impl_;
  i.stopped = true;
  i.calls->set_ready(false);
  if (i.server) i.server->stop(std::min(drain, std::chrono::milliseconds(2000)));
  if (i.retention) i.retention->stop();
  // Nothing changes any more; what was accepted is finished.
  i.mutator.stop();
  i.folders.reset();
  i.runtime->stop(drain);
  i.threads.stop();
  // Whoever waits for the disk is answered while the threads that asked are still there.
  i.syncer.reset();
  i.calls->stop();
  i.logs.flush();
  (void)i.store->sync();
  log::info("app", "stopped");
}

}  // namespace jl
