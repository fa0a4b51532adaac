# Builds for AArch64 on another machine: clang, lld and the libraries that
# scripts/aarch64-sysroot has fetched.
set(LOWBIT_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot"
  CACHE PATH "Folder made by scripts/aarch64-sysroot")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LOWBIT_SYSROOT)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_SYSROOT "${LOWBIT_SYSROOT}")
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER_TARGET aarch64-linux-gnu)
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
