#include "daemon/network/io_thread.hpp"

#include "common/base/assert.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/poller.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace jl::network {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::size_t kReadBuffer = std::size_t{64} * 1024;
constexpr int kServeRounds = 8;  // of ready sockets before posted work and timers get their turn
constexpr milliseconds kCommitGrace{2000};
constexpr std::string_view kLogger = "network.io";

class Loop;
thread_local const Loop* current_loop = nullptr;

class Loop final : public IoThread {
 public:
  Loop(std::size_t index, const Clock& clock) : index_(index), clock_(clock), wheel_(clock.steady()) {
    const int fd = ::fcntl(poller_.descriptor(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "dup");
    ready_.assign(fd);
  }
  ~Loop() { stop(); }

  void start(bool manual_timers) {
    thread_ = std::thread([this, manual_timers] { run(manual_timers); });
    ::pthread_setname_np(thread_.native_handle(), fmt::format("jl-io-{}", index_).c_str());
  }

  void stop() {
    if (thread_.joinable()) {
      asio::post(context_, [this] { context_.stop(); });
      thread_.join();
    }
    close_queue();
  }

  void post(std::function<void()> work) override {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_) return;
      posted_.push_back(std::move(work));
      if (scheduled_.exchange(true, std::memory_order_relaxed)) return;
    }
    asio::post(context_, [this] { run_posted(); });
  }

  bool is_current() const override { return current_loop == this; }
  std::size_t index() const override { return index_; }
  TimerWheel& timers() override { return wheel_; }
  const Clock& clock() const override { return clock_; }
  Status watch(int fd, TurnMember& member) override { return poller_.watch(fd, member); }
  void want_write(int fd, TurnMember& member, bool on) override { poller_.want_write(fd, member, on); }
  void want_read(int fd, TurnMember& member, bool on) override { poller_.want_read(fd, member, on); }
  void forget(int fd, TurnMember& member) override {
    // A member that goes while answers are flushed may have told others so: that needs a commit of its own.
    if (poller_.forget(fd, member)) again_ = true;
  }
  void after_commit(std::function<void(bool)> work) override { waiting_.push_back(std::move(work)); }
  bool commit_now() override { return commit_ == nullptr || commit_->commit_now(); }
  void request_flush(TurnMember& member) override {
    if (const auto ref = poller_.mark(member)) requested_.push_back(*ref);
  }
  std::uint64_t commit_number() const override { return commit_number_; }
  std::span<char> read_buffer() override { return {buffer_.get(), kReadBuffer}; }
  void set_commit(TurnCommit* commit) override { commit_ = commit; }

 private:
  void run(bool manual_timers);
  void run_posted();
  void tick();
  void arm();
  void serve();
  void dispatch(std::size_t count);
  void end_turn();
  void start_commit();
  void on_committed(std::uint64_t number, bool ok);
  void close_queue();

  /// Runs a callback of somebody else's; what it throws ends here, so that the others are served on.
  template <class Callback>
  void guard(Callback&& callback) {
    try {
      callback();
    } catch (const std::exception& e) {
      report(e.what());
    } catch (...) {
      report("unknown exception");
    }
  }
  void report(std::string_view what) {
    std::uint64_t held = 0;
    if (!failures_.allow(clock_.steady(), held)) return;
    log::error(kLogger, "callback failed thread={} error=\"{}\" suppressed={}", index_, what, held);
  }

  const std::size_t index_;
  const Clock& clock_;
  TimerWheel wheel_;
  Poller poller_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::posix::stream_descriptor ready_{context_};
  asio::steady_timer ticker_{context_};
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kReadBuffer);
  log::RateLimit failures_;
  TurnCommit* commit_ = nullptr;

  std::vector<Poller::Ref> requested_;              // who wants a flush after the next commit
  std::vector<Poller::Ref> flushing_;               // who waits for the commit on its way
  std::vector<std::function<void(bool)>> waiting_;  // what runs after the next commit
  std::vector<std::function<void(bool)>> running_;  // what runs after the one on its way
  std::uint64_t commit_number_ = 1;                 // of the next commit to start
  bool committing_ = false;                         // from the start of a commit to the end of its flush
  bool awaits_done_ = false;
  bool starting_ = false;      // inside of TurnCommit::commit
  bool commit_ended_ = false;  // by the posted work that runs
  bool again_ = false;         // something happened meanwhile that needs the next commit
  bool armed_ = false;         // waiting for sockets
  bool serving_ = false;

  std::mutex mutex_;  // guards posted_ and closed_; work never runs under it
  std::vector<std::function<void()>> posted_;
  bool closed_ = false;
  std::atomic<bool> scheduled_{false};
  std::vector<std::function<void()>> batch_;
  std::thread thread_;
};

void Loop::run(bool manual_timers) {
  current_loop = this;
  // sendfile(2) on a socket whose peer has gone raises it, and has no flag against that.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  arm();
  if (!manual_timers) tick();
  const auto drive = [this](auto&& step) {
    for (;;) {
      try {
        step();
        return;
      } catch (const std::exception& e) {
        report(e.what());
      }
    }
  };
  drive([this] { context_.run(); });
  // The answers of a commit on its way are owed to their peers.
  const auto deadline = std::chrono::steady_clock::now() + kCommitGrace;
  context_.restart();
  drive([&] {
    while (committing_ && context_.run_one_until(deadline) > 0) continue;
  });
  close_queue();
  current_loop = nullptr;
}

void Loop::close_queue() {
  std::vector<std::function<void()>> dropped;
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  dropped.swap(posted_);
}

void Loop::run_posted() {
  {
    const std::scoped_lock lock(mutex_);
    batch_.swap(posted_);
    scheduled_.store(false, std::memory_order_relaxed);
  }
  bool is_turn = false;
  for (auto& work : batch_) {
    commit_ended_ = false;
    guard(work);
    work = nullptr;
    // Work that only ended a commit is no turn: otherwise every commit would lead to the next one for ever.
    is_turn |= !commit_ended_;
  }
  batch_.clear();
  if (is_turn) end_turn();
}

void Loop::tick() {
  guard([this] { wheel_.advance(clock_.steady()); });
  end_turn();
  ticker_.expires_after(milliseconds(TimerWheel::kResolution));
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Loop::arm() {
  if (armed_ || serving_) return;
  armed_ = true;
  ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    armed_ = false;
    // While a commit is on its way its end arms again.
    if (!error && !committing_) serve();
  });
}

void Loop::serve() {
  serving_ = true;
  // Under load, asking again at once is one system call where going back through Asio is three.
  for (int round = 0; round < kServeRounds; ++round) {
    const std::size_t count = poller_.poll();
    if (count == 0) break;
    dispatch(count);
    end_turn();
    if (count == 1 || committing_ || scheduled_.load(std::memory_order_relaxed)) break;
  }
  serving_ = false;
  if (!committing_) arm();
}

void Loop::dispatch(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Poller::Event event = poller_.event(i);
    if (event.writable) {
      if (TurnMember* member = poller_.find(event.member)) guard([member] { member->on_writable(); });
    }
    if (event.readable) {
      if (TurnMember* member = poller_.find(event.member)) guard([member] { member->on_readable(); });
    }
  }
}

void Loop::end_turn() {
  if (committing_) {
    again_ = true;
    return;
  }
  do {
    again_ = false;
    start_commit();
  } while (again_ && !committing_);
  if (!committing_) arm();
}

void Loop::start_commit() {
  flushing_.swap(requested_);
  running_.swap(waiting_);
  for (const Poller::Ref ref : flushing_) poller_.unmark(ref);
  committing_ = awaits_done_ = starting_ = true;
  const std::uint64_t number = commit_number_++;
  if (commit_ == nullptr) {
    on_committed(number, true);
  } else {
    bool started = false;
    guard([&] {
      commit_->commit([this, number](bool ok) { on_committed(number, ok); });
      started = true;
    });
    if (!started) on_committed(number, false);
  }
  starting_ = false;
}

void Loop::on_committed(std::uint64_t number, bool ok) {
  JL_ASSERT(is_current());
  if (!awaits_done_ || number + 1 != commit_number_) return;
  awaits_done_ = false;
  commit_ended_ = true;
  for (const Poller::Ref ref : flushing_) {
    if (TurnMember* member = poller_.find(ref)) guard([member, ok] { member->on_flush(ok); });
  }
  flushing_.clear();
  for (const auto& work : std::exchange(running_, {})) guard([&] { work(ok); });
  committing_ = false;
  if (!requested_.empty() || !waiting_.empty()) again_ = true;
  if (starting_) return;  // end_turn() goes on
  if (again_) {
    end_turn();
  } else {
    arm();
  }
}

}  // namespace

struct IoThreads::Impl {
  std::vector<std::unique_ptr<Loop>> loops;
  std::atomic<std::size_t> next{0};
  bool running = false;
};

IoThreads::IoThreads(std::size_t count, const Clock& clock) : impl_(std::make_unique<Impl>()) {
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) impl_->loops.push_back(std::make_unique<Loop>(i, clock));
}

IoThreads::~IoThreads() { stop(); }

void IoThreads::start(bool manual_timers) {
  JL_ASSERT(!impl_->running);
  impl_->running = true;
  for (auto& loop : impl_->loops) loop->start(manual_timers);
}

void IoThreads::stop() {
  for (auto& loop : impl_->loops) loop->stop();
  impl_->running = false;
}

std::size_t IoThreads::size() const { return impl_->loops.size(); }
IoThread& IoThreads::at(std::size_t index) { return *impl_->loops.at(index); }

IoThread& IoThreads::next() {
  return *impl_->loops[impl_->next.fetch_add(1, std::memory_order_relaxed) % impl_->loops.size()];
}

void IoThreads::advance_timers() {
  if (!impl_->running) return;
  std::vector<std::future<void>> advanced;
  for (auto& loop : impl_->loops) {
    auto done = std::make_shared<std::promise<void>>();
    advanced.push_back(done->get_future());
    loop->post([&thread = *loop, done] {
      thread.timers().advance(thread.clock().steady());
      done->set_value();
    });
  }
  // A thread that stops meanwhile drops the work, and with it the promise, which ends the wait as well.
  for (auto& each : advanced) each.wait();
}

}  // namespace jl::network
