# One target for how everything is compiled, one for what is warned about.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(CLEANERD_CCACHE ccache)
if(CLEANERD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Relative to the checkout, so that another checkout (a reviewer's, that of continuous integration) finds what this one has compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CLEANERD_CCACHE})
endif()

add_library(cleanerd_options INTERFACE)
target_include_directories(cleanerd_options INTERFACE ${PROJECT_SOURCE_DIR}/lib)
target_compile_definitions(cleanerd_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(CLEANERD_SANITIZE)
  target_compile_options(cleanerd_options INTERFACE
    -fsanitize=${CLEANERD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cleanerd_options INTERFACE -fsanitize=${CLEANERD_SANITIZE})
else()
  # Hardening for a program that runs as root; the sanitizers bring their own checks.
  target_compile_options(cleanerd_options INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_compile_definitions(cleanerd_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  target_link_options(cleanerd_options INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
endif()

add_library(cleanerd_warnings INTERFACE)
target_compile_options(cleanerd_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wswitch -Wunused-result
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12 warns of operator+(const char*, std::string&&): GCC bug 105651
  $<$<BOOL:${CLEANERD_DEVELOPER}>:-Werror>)
