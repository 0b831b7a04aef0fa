#include "pch_plain.hpp"  // one translation unit so that CMake builds the precompiled header
