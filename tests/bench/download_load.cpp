// Clients of a file server: many downloads at once, on one thread, which count what comes and throw it away. In the
// clear the kernel throws it away, so that the client costs little beside the server.
#include "tests/bench/process_usage.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace jl::bench {
namespace {

constexpr std::size_t kTurnBytes = std::size_t{1} << 20U;  // of one download, before the others
constexpr int kPatienceMillis = 60'000;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "jl_bench_download: %s\n", what.c_str());
  std::exit(1);
}

struct Options {
  std::uint16_t port = 0;
  std::uint64_t bytes = 0;  // of each
  std::string urls;         // a file: one on each line; only their paths count
  std::vector<int> pids;
  bool tls = false;
};

Options parse(int argc, char** argv) {
  std::map<std::string_view, std::string> values;
  for (int i = 1; i + 1 < argc; i += 2) values[argv[i]] = argv[i + 1];
  Options o;
  o.port = static_cast<std::uint16_t>(std::strtoul(values["--port"].c_str(), nullptr, 10));
  o.bytes = std::strtoull(values["--bytes"].c_str(), nullptr, 10);
  o.urls = values["--urls"];
  o.tls = values["--tls"] == "1";
  std::istringstream pids(values["--pids"]);
  o.pids.assign(std::istream_iterator<int>(pids), {});
  if (argc % 2 == 0 || o.port == 0 || o.bytes == 0 || o.pids.empty() || o.urls.empty())
    give_up("usage: jl_bench_download --port N --urls FILE --bytes N --pids \"SERVER...\" [--tls 0|1]");
  return o;
}

/// One file on its way here: the first `bytes` of what an address names.
class Download {
 public:
  Download(const std::string& url, std::uint64_t bytes, std::uint16_t port, SSL_CTX* tls)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), left_(bytes) {
    const std::size_t host = url.find("://");
    const std::size_t path = host == std::string::npos ? host : url.find('/', host + 3);
    if (path == std::string::npos) give_up("no address: " + url);
    request_ = "GET " + url.substr(path) + " HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-" +
               std::to_string(bytes - 1) + "\r\n\r\n";
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &to, sizeof to);
    if (fd_ < 0 || connect(fd_, &generic, sizeof generic) != 0)
      give_up("cannot connect: " + std::string(std::strerror(errno)));
    if (tls == nullptr) return;
    tls_ = SSL_new(tls);
    if (tls_ == nullptr || SSL_set_fd(tls_, fd_) != 1 || SSL_connect(tls_) != 1) give_up("no TLS");
  }
  Download(const Download&) = delete;
  ~Download() {
    SSL_free(tls_);
    close(fd_);
  }

  void ask() {
    const auto size = static_cast<int>(request_.size());
    const auto sent = tls_ ? SSL_write(tls_, request_.data(), size) : send(fd_, request_.data(), request_.size(), 0);
    if (sent != size) give_up("cannot ask");
  }

  /// Takes what is there; true when all has come.
  bool receive() {
    for (std::size_t turn = 0; turn < kTurnBytes && left_ > 0;) {
      const std::size_t got = in_body_ ? take_body() : take_head();
      if (got == 0) break;
      turn += got;
    }
    return left_ == 0;
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  // 0 = not now.
  std::size_t read_some(char* buffer, std::size_t size) {
    std::size_t done = 0;
    if (tls_) {
      // The socket blocks; whether there is something is asked of the kernel, unless TLS holds some already.
      char byte = 0;
      if (SSL_pending(tls_) == 0 && recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) return 0;
      if (SSL_read_ex(tls_, buffer, size, &done) != 1) give_up("the server ended a download");
      return done;
    }
    const ssize_t n = recv(fd_, buffer, size, MSG_DONTWAIT | (buffer ? 0 : MSG_TRUNC));
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) give_up("the server ended a download, " + std::to_string(left_) + " bytes too early");
    return static_cast<std::size_t>(n);
  }

  std::size_t take_head() {
    std::array<char, 2048> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills what is read
    const std::size_t got = read_some(buffer.data(), buffer.size());
    head_.append(buffer.data(), got);
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return got;
    const std::string length = "\r\nContent-Length: " + std::to_string(left_) + "\r\n";
    if (!head_.starts_with("HTTP/1.1 206") || head_.find(length) > end) give_up("not what was asked for: " + head_);
    in_body_ = true;
    count(head_.size() - end - 4);
    return got;
  }

  std::size_t take_body() {
    if (!tls_) {
      const std::size_t got = read_some(nullptr, kTurnBytes);  // tcp(7): MSG_TRUNC throws away
      count(got);
      return got;
    }
    std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): SSL_read fills what is read
    const std::size_t got = read_some(buffer.data(), buffer.size());
    count(got);
    return got;
  }

  void count(std::size_t bytes) {
    if (bytes > left_) give_up("more came than was asked for");
    left_ -= bytes;
  }

  int fd_;
  SSL* tls_ = nullptr;
  std::uint64_t left_;
  bool in_body_ = false;
  std::string request_, head_;
};

/// What the processes of a server use together.
class Server {
 public:
  explicit Server(std::vector<int> pids) : pids_(std::move(pids)) {
    for (const int pid : pids_) {
      std::ofstream("/proc/" + std::to_string(pid) + "/clear_refs") << 5;  // its peak begins anew
      resident_before_ += usage_of(pid).rss_bytes;
    }
    cpu_before_ = cpu();
  }
  [[nodiscard]] double cpu_used() const { return cpu() - cpu_before_; }
  [[nodiscard]] double mib_before() const { return static_cast<double>(resident_before_) / (1U << 20U); }
  [[nodiscard]] double mib_peak() const {
    double kib = 0;
    for (const int pid : pids_) {
      std::ifstream status("/proc/" + std::to_string(pid) + "/status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) kib += std::strtod(line.c_str() + 6, nullptr);
      }
    }
    return kib / 1024;
  }

 private:
  [[nodiscard]] double cpu() const {
    double out = 0;
    for (const int pid : pids_) out += usage_of(pid).cpu_seconds;
    return out;
  }
  const std::vector<int> pids_;
  std::uint64_t resident_before_ = 0;
  double cpu_before_ = 0;
};

SSL_CTX* client_context() {
  SSL_CTX* out = SSL_CTX_new(TLS_client_method());
  if (out == nullptr) give_up("no TLS");
  SSL_CTX_set_verify(out, SSL_VERIFY_NONE, nullptr);  // whose certificate it is does not matter here
  // The same work for every server.
  if (SSL_CTX_set_min_proto_version(out, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(out, "TLS_AES_256_GCM_SHA384") != 1)
    give_up("no TLS 1.3");
  SSL_CTX_set_mode(out, SSL_MODE_AUTO_RETRY);
  return out;
}

// Prints "MIB/S SERVER_CPU_S CLIENT_CPU_S MIB_BEFORE MIB_PEAK".
void load(const Options& options) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  SSL_CTX* tls = options.tls ? client_context() : nullptr;
  const Server server(options.pids);
  std::vector<std::unique_ptr<Download>> downloads;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::ifstream urls(options.urls);
  for (std::string url; std::getline(urls, url);) {
    downloads.push_back(std::make_unique<Download>(url, options.bytes, options.port, tls));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = downloads.size() - 1;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, downloads.back()->fd(), &event) != 0) give_up("epoll_ctl failed");
  }
  if (downloads.empty()) give_up("no addresses in " + options.urls);

  const auto all = static_cast<double>(downloads.size() * options.bytes);
  const double cpu_connected = server.cpu_used(), own_before = usage_of(getpid()).cpu_seconds;
  const auto start = std::chrono::steady_clock::now();
  for (const auto& download : downloads) download->ask();
  for (std::size_t left = downloads.size(); left > 0;) {
    std::array<epoll_event, 256> events;  // NOLINT(cppcoreguidelines-pro-type-member-init): epoll_wait fills it
    const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), kPatienceMillis);
    if (n <= 0) give_up("nothing has come for 60 s");
    for (int i = 0; i < n; ++i) {
      auto& download = downloads[events[static_cast<std::size_t>(i)].data.u64];
      if (!download->receive()) continue;
      download.reset();
      --left;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%.0f %.2f %.2f %.1f %.1f\n", all / (1U << 20U) / seconds, server.cpu_used() - cpu_connected,
              usage_of(getpid()).cpu_seconds - own_before, server.mib_before(), server.mib_peak());
  close(epoll);
  SSL_CTX_free(tls);
}

}  // namespace
}  // namespace jl::bench

int main(int argc, char** argv) {
  using namespace jl::bench;
  load(parse(argc, argv));
}
