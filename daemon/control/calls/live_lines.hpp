#pragma once
// A live stream of lines to one reader: up to a limit, and without holding up whoever makes them.
#include "daemon/control/exchange.hpp"

#include <atomic>
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace jl::control {

/// Starts the stream. Its source hands lines to add(), on any thread but one at a time, and keeps only a weak_ptr of
/// it.
class LiveLines {
 public:
  /// `limit` 0 = without end.
  static std::shared_ptr<LiveLines> start(const std::shared_ptr<Responder>& reply, std::size_t limit) {
    auto lines = std::make_shared<LiveLines>(reply, limit);
    reply->start_stream();
    reply->on_gone([lines] { lines->source.reset(); });
    return lines;
  }
  LiveLines(std::shared_ptr<Responder> reply, std::size_t limit)
      : reply_(std::move(reply)), left_(limit == 0 ? std::numeric_limits<std::size_t>::max() : limit) {}

  [[nodiscard]] bool wants_more() const { return left_.load() > 0; }
  /// A reader that cannot keep up loses lines and is told how many.
  void add(const std::string& line) {
    if (!wants_more()) return;
    if (const std::uint64_t lost = dropped_.load();
        lost > 0 && reply_->line(boost::json::serialize(boost::json::object{{"dropped", lost}}), true)) {
      dropped_ -= lost;
    }
    if (!reply_->line(line, true)) {
      ++dropped_;
    } else if (left_.fetch_sub(1) == 1) {
      reply_->end_stream();
    }
  }

  /// That was all.
  void end() {
    if (left_.exchange(0) > 0) reply_->end_stream();
  }
  /// There will be no more lines.
  void end(const Error& why) {
    if (left_.exchange(0) > 0) reply_->end_stream(why);
  }

  std::shared_ptr<void> source;  ///< what makes the lines; given up when the reader goes

 private:
  const std::shared_ptr<Responder> reply_;
  std::atomic<std::size_t> left_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace jl::control
