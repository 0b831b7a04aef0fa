#include "pch_asio.hpp"  // one translation unit so that CMake builds the precompiled header
