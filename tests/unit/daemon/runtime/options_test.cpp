#include "daemon/runtime/component.hpp"

#include <doctest/doctest.h>

TEST_SUITE("runtime") {
  TEST_CASE("a listener's limits are those of its configuration [network 1.4]") {
    jl::model::MqttServer configuration;
    configuration.host = "127.0.0.1";
    configuration.port = 1884;
    configuration.max_message_size = 4096;
    configuration.max_connections = 7;
    configuration.connect_timeout = 3;
    const auto options = jl::runtime::mqtt_options("net", configuration);
    CHECK(options.id == "net");
    CHECK(options.host == "127.0.0.1");
    CHECK(options.port == 1884);
    CHECK(options.limits.max_packet == 4096);
    CHECK(options.max_connections == 7);
    CHECK(options.connect_timeout == std::chrono::seconds(3));
  }
}
