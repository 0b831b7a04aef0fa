#pragma once
// A daemon of one's own making for tests of jlctl: a thread that answers scripted HTTP on a Unix socket in a temporary
// folder, and a way to run jlctl against it in this process.
#include "cli/environment.hpp"
#include "common/base/error.hpp"

#include <atomic>
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jl::cli::test {

namespace json = boost::json;

/// A folder that goes away with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Writes a file below it and returns its path.
  std::string file(const std::string& name, const std::string& text, unsigned mode = 0600) const;

 private:
  std::string path_;
};

struct SeenRequest {
  std::string method;
  std::string target;  ///< with the query
  std::string head;
  std::string body;
  [[nodiscard]] json::value json() const { return json::parse(body); }
};

struct Reply {
  int status = 200;
  std::string body{};
  std::string type = "application/json";
  std::vector<std::string> chunks{};  ///< sent chunked instead of `body`
  std::string api = "1.0";            ///< Jlinkd-Api; "" = left out
  bool close_after = false;           ///< close the connection after the answer
  bool hang_up = false;               ///< close without an answer
  bool silent = false;                ///< never answer
  /// After the chunks: the end of the answer, nothing more until jlctl leaves, or the connection closed midway.
  enum class After : std::uint8_t { end, nothing, closed } after_chunks = After::end;
};

[[nodiscard]] Reply ok(const json::value& value, int status = 200);
[[nodiscard]] Reply lines(const std::vector<json::value>& values);
[[nodiscard]] Reply failure(const Error& error);

class FakeDaemon {
 public:
  using Answer = std::function<Reply(const SeenRequest&)>;
  /// `answer` is called on the daemon's thread.
  explicit FakeDaemon(Answer answer);
  /// Answers by "METHOD target"; everything else is not_found.
  explicit FakeDaemon(std::map<std::string, Reply> replies);
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }
  [[nodiscard]] std::vector<SeenRequest> requests() const;
  [[nodiscard]] int connections() const { return connections_; }
  /// Of these, how many the daemon has closed.
  [[nodiscard]] int closed() const { return closed_; }

 private:
  void serve();
  void serve_one(int fd);
  bool answer_one(int fd, const SeenRequest& request);

  TempFolder folder_;
  std::string socket_;
  Answer answer_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> requests_;
  std::atomic<int> connections_{0};
  std::atomic<int> closed_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

struct Given {
  std::string input{};
  int in = -1;  ///< a descriptor instead of `input`
  bool in_is_tty = false;
  bool out_is_tty = false;
  bool err_is_tty = false;
  std::size_t columns = 100;
  std::map<std::string, std::string> variables{};
};

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs jlctl in this process.
[[nodiscard]] Outcome run(const std::vector<std::string>& words, const Given& given = {});
/// The same against a daemon.
[[nodiscard]] Outcome run(const FakeDaemon& daemon, std::vector<std::string> words, Given given = {});
/// Splits a command line as a shell does, as far as the examples of the table need it.
[[nodiscard]] std::vector<std::string> shell_words(const std::string& line);

}  // namespace jl::cli::test
