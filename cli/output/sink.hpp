#pragma once
// A buffered writer on a descriptor that remembers whether it failed.
#include <string>
#include <string_view>

namespace jl::cli {

class Sink {
 public:
  explicit Sink(int fd) : fd_(fd) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { flush(); }

  void write(std::string_view text);
  /// Writes what is buffered. False when this or an earlier write failed.
  bool flush();

  [[nodiscard]] bool failed() const { return error_ != 0; }
  /// Whether the reader went away (EPIPE): a reason to end, not an error to talk about.
  [[nodiscard]] bool reader_gone() const;
  /// errno of the first failure; 0 when there was none.
  [[nodiscard]] int error() const { return error_; }

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;
  int fd_;
  int error_ = 0;
  std::string buffer_;
};

/// Writes the whole text to a descriptor; errno of the failure, or 0.
int write_all(int fd, std::string_view text);

}  // namespace jl::cli
