# Compiler flags, sanitizers and the speed-ups that are used when the machine has them.
find_program(JL_CCACHE ccache)
if(JL_CCACHE)
  # Entries do not depend on where the checkout is, so that another clone, or CI, finds them.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${JL_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()
find_program(JL_MOLD mold)
if(JL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Warnings are errors, for our own code only (third-party headers come in as SYSTEM).
add_library(jl_warnings INTERFACE)
target_compile_options(jl_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
                       -Wold-style-cast -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives for these in optimised Boost and std::string code.
  target_compile_options(jl_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                         -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer
                         -Wno-mismatched-new-delete)  # the last: coroutine frames of Asio
  # -fpch-preprocess lets ccache see through precompiled headers.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()

add_compile_options(-fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo" AND NOT JL_SANITIZE)
  add_compile_definitions(_FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  # Position-independent executables are the default of Debian's GCC.
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(JL_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(JL_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  add_link_options(-fsanitize=thread)
elseif(JL_SANITIZE STREQUAL "fuzzer")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
if(JL_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
