// The least that a server of streams and datagrams can do: sends back what it receives, on one port of 127.0.0.1.
#include <boost/asio.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  explicit Stream(tcp::socket socket) : socket_(std::move(socket)) { socket_.set_option(tcp::no_delay(true)); }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_, size),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, 4096> buffer_;  // read before it is written: never without content
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](boost::system::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Stream>(std::move(socket))->read();
    accept(acceptor);
  });
}

struct Datagrams {
  udp::socket socket;
  udp::endpoint sender = {};
  std::array<char, 65536> buffer = {};

  void receive() {
    socket.async_receive_from(asio::buffer(buffer), sender, [this](boost::system::error_code error, std::size_t size) {
      boost::system::error_code ignored;  // a peer that has gone
      if (!error) socket.send_to(asio::buffer(buffer, size), sender, 0, ignored);
      receive();
    });
  }
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fputs("usage: jl_bench_echo PORT\n", stderr);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
  asio::io_context context(1);
  const auto loopback = asio::ip::address_v4::loopback();
  Datagrams datagrams{udp::socket(context, udp::endpoint(loopback, port))};
  datagrams.receive();
  tcp::acceptor acceptor(context, tcp::endpoint(loopback, port));
  acceptor.listen(tcp::acceptor::max_listen_connections);
  accept(acceptor);
  context.run();
} catch (const std::exception& e) {
  std::fprintf(stderr, "jl_bench_echo: %s\n", e.what());
  return 1;
}
