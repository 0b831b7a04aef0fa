#pragma once
// Work on several I/O threads that the caller waits for.
#include <future>
#include <memory>
#include <vector>

namespace jl::access {

/// Runs `work` for each home on its own thread (`home->thread`) and waits until all have. A thread that has ended drops
/// the work, which ends the wait as well. Not from an I/O thread.
template <class Pointer, class Work>
void on_each_thread(std::vector<Pointer>& homes, Work work) {
  std::vector<std::future<void>> finished;
  for (auto& home : homes) {
    auto done = std::make_shared<std::promise<void>>();
    finished.push_back(done->get_future());
    home->thread.post([&home = *home, work, done = std::move(done)] {
      work(home);
      done->set_value();
    });
  }
  for (auto& each : finished) each.wait();
}

}  // namespace jl::access
