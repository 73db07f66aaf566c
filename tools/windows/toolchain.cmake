# CMake toolchain: MinGW-w64, for Windows on x64. tools/windows.sh prepares what it names: the
# libraries, built by libraries.sh into GW_WINDOWS_LIBRARIES, and a Wine to run programs in.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

set(GW_WINDOWS_LIBRARIES "${CMAKE_CURRENT_LIST_DIR}/../../build/windows/libraries" CACHE PATH
  "Where the libraries for the Windows target were installed")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GW_WINDOWS_LIBRARIES)

# Programs are this machine's; all else is the target's.
set(CMAKE_FIND_ROOT_PATH ${GW_WINDOWS_LIBRARIES} /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# ctest starts what was built for Windows through this.
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/run-wine.sh)
