// One question over a Unix socket and nothing else: what a command line tool costs at least. ping SOCKET
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

int main(int argc, char** argv) {
  const std::string_view path = argc > 1 ? argv[1] : "/run/jlinkd/control.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return 2;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const void* raw = &address;
  if (fd < 0 || connect(fd, static_cast<const sockaddr*>(raw), sizeof address) < 0) return 1;
  constexpr std::string_view kRequest = "GET /v1/version HTTP/1.1\r\nHost: jlinkd\r\n\r\n";
  if (write(fd, kRequest.data(), kRequest.size()) < 0) return 1;
  char reply[4096];
  const ssize_t n = read(fd, reply, sizeof reply);
  return n > 12 && std::string_view(reply, 12) == "HTTP/1.1 200" ? 0 : 1;
}
