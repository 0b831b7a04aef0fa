#include "daemon/modbus/channels.hpp"

#include <chrono>
#include <future>
#include <random>

namespace jl::modbus {

// What lives on one thread. Shared with what is posted there: that may come after the end.
struct Channels::Home {
  Home(network::IoThread& t, ChannelHouse& h) : thread(t), house(&h) {}
  network::IoThread& thread;
  ChannelHouse* house;
  // On the thread only:
  std::unique_ptr<network::PreciseTimers> timers;
  std::unordered_map<std::string, std::unique_ptr<Channel>> channels;
  std::random_device seeds;
  bool stopped = false;

  Channel* find(const std::string& id) {
    const auto it = channels.find(id);
    return it == channels.end() ? nullptr : it->second.get();
  }
};

Channels::Channels(network::IoThreads& threads, ChannelHouse& house) {
  for (std::size_t i = 0; i < threads.size(); ++i) homes_.push_back(std::make_shared<Home>(threads.at(i), house));
}

Channels::~Channels() { stop(); }

Channels::Home& Channels::home_of(std::string_view channel_id) const {
  return *homes_[std::hash<std::string_view>{}(channel_id) % homes_.size()];
}

network::IoThread& Channels::thread_of(std::string_view channel_id) const { return home_of(channel_id).thread; }

void Channels::put(ChannelConfig config) {
  {
    const std::scoped_lock lock(mutex_);
    running_.insert(config.id);
  }
  Home& home = home_of(config.id);
  home.thread.post([home = homes_[home.thread.index()], config = std::move(config)]() mutable {
    if (home->stopped) return;
    if (Channel* known = home->find(config.id)) return known->configure(std::move(config));
    if (!home->timers) home->timers = std::make_unique<network::PreciseTimers>(home->thread);
    const std::string id = config.id;
    auto channel =
        std::make_unique<Channel>(home->thread, *home->timers, *home->house, std::move(config), home->seeds());
    channel->start();
    home->channels.emplace(id, std::move(channel));
  });
}

std::string Channels::put_temporary(ChannelConfig config) {
  config.id = "~" + std::to_string(temporary_.fetch_add(1));
  const std::string id = config.id;
  put(std::move(config));
  return id;
}

void Channels::set_points(const std::string& channel_id, Points points) {
  with(channel_id, [points = std::move(points)](Channel* channel) mutable {
    if (channel) channel->set_points(std::move(points));
  });
}

void Channels::erase(const std::string& channel_id) {
  {
    const std::scoped_lock lock(mutex_);
    running_.erase(channel_id);
  }
  Home& home = home_of(channel_id);
  home.thread.post([home = homes_[home.thread.index()], channel_id] {
    const auto node = home->channels.extract(channel_id);
    if (!node.empty()) node.mapped()->stop();
  });
}

void Channels::stop() {
  if (std::exchange(stopped_, true)) return;
  std::vector<std::future<void>> done;
  for (const auto& home : homes_) {
    auto promise = std::make_shared<std::promise<void>>();
    done.push_back(promise->get_future());
    home->thread.post([home, promise] {
      home->stopped = true;
      auto leaving = std::exchange(home->channels, {});
      for (const auto& [id, channel] : leaving) channel->stop();
      leaving.clear();
      home->timers.reset();
      promise->set_value();
    });
  }
  for (const auto& each : done) (void)each.wait_for(std::chrono::seconds(5));
}

void Channels::with(const std::string& channel_id, std::function<void(Channel*)> work) const {
  Home& home = home_of(channel_id);
  home.thread.post(
      [home = homes_[home.thread.index()], channel_id, work = std::move(work)] { work(home->find(channel_id)); });
}

bool Channels::ask(const std::string& channel_id, const std::function<void(Channel*)>& work) const {
  Home& home = home_of(channel_id);
  if (home.thread.is_current()) return false;
  return run_and_wait(homes_[home.thread.index()], [&](Home& there) { work(there.find(channel_id)); });
}

void Channels::visit(const std::function<void(const Channel&)>& each) const {
  for (const auto& home : homes_) {
    run_and_wait(home, [&](Home& there) {
      for (const auto& [id, channel] : there.channels) each(*channel);
    });
  }
}

bool Channels::run_and_wait(const std::shared_ptr<Home>& home, const std::function<void(Home&)>& work) {
  // Who gave up waiting is not to be written to any more.
  struct Wait {
    std::mutex mutex;
    bool given_up = false;
    std::promise<void> done;
  };
  auto wait = std::make_shared<Wait>();
  auto future = wait->done.get_future();
  home->thread.post([home, wait, work] {
    const std::scoped_lock lock(wait->mutex);
    if (wait->given_up) return;
    work(*home);
    wait->done.set_value();
  });
  if (future.wait_for(std::chrono::seconds(1)) == std::future_status::ready) return true;
  const std::scoped_lock lock(wait->mutex);
  wait->given_up = true;
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

bool Channels::runs(const std::string& channel_id) const {
  const std::scoped_lock lock(mutex_);
  return running_.contains(channel_id);
}

}  // namespace jl::modbus
