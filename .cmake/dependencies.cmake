# Every third-party library, found once. All are Debian 12 packages (README, "Dependencies").
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_library(JL_YAML_CPP NAMES libyaml-cpp.a REQUIRED)  # the archive, because jlctl links statically
find_library(JL_CRYPTO_ARCHIVE NAMES libcrypto.a REQUIRED)  # as above: mold takes a .so under -static without a word
pkg_check_modules(CBOR REQUIRED IMPORTED_TARGET libcbor)
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)
find_package(Boost 1.81 REQUIRED)  # headers only; 1.74, Debian's default, lacks as_tuple and Boost.URL

add_library(jl_boost INTERFACE)
target_link_libraries(jl_boost INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(jl_boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                           BOOST_ASIO_NO_DEPRECATED BOOST_ALL_NO_LIB BOOST_ASIO_DISABLE_BOOST_DATE_TIME)

add_library(jl_yaml INTERFACE)
target_link_libraries(jl_yaml INTERFACE ${JL_YAML_CPP})

add_library(jl_crypto_archive INTERFACE)
target_link_libraries(jl_crypto_archive INTERFACE ${JL_CRYPTO_ARCHIVE})

# fmt header-only: Debian ships no archive of it for a static jlctl.
add_library(jl_fmt INTERFACE)
target_compile_definitions(jl_fmt INTERFACE FMT_HEADER_ONLY=1)

if(NOT JL_SANITIZE STREQUAL "fuzzer")
  find_package(RocksDB 7 REQUIRED)
  find_package(simdjson REQUIRED)
  find_package(CURL 7.87 REQUIRED)  # CURLOPT_QUICK_EXIT
  pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
  pkg_check_modules(MOSQUITTO REQUIRED IMPORTED_TARGET libmosquitto)
  pkg_check_modules(MODBUS REQUIRED IMPORTED_TARGET libmodbus)
  pkg_check_modules(COAP REQUIRED IMPORTED_TARGET libcoap-3-openssl)
  pkg_check_modules(MOZJS REQUIRED IMPORTED_TARGET mozjs-102)
  find_package(doctest QUIET)
else()
  find_package(simdjson REQUIRED)
endif()

# spdlog header-only on the same fmt: only daemon/base/log.cpp includes it.
add_library(jl_spdlog INTERFACE)
target_link_libraries(jl_spdlog INTERFACE jl_fmt)
target_compile_definitions(jl_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
