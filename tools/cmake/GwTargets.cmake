# How every target of the project is compiled.
add_library(gw_flags INTERFACE)
target_include_directories(gw_flags INTERFACE
  ${PROJECT_SOURCE_DIR}
  ${PROJECT_BINARY_DIR}/gen)
target_compile_options(gw_flags INTERFACE
  $<$<C_COMPILER_ID:GNU,Clang>:-Wall -Wextra -Wpedantic>)
# The parameters of a test are cmocka's, and those of its callbacks the library's: most are not used.
target_compile_options(gw_flags INTERFACE
  $<$<AND:$<C_COMPILER_ID:GNU,Clang>,$<PATH:IS_PREFIX,${PROJECT_SOURCE_DIR}/tests,$<TARGET_PROPERTY:SOURCE_DIR>>>:-Wno-unused-parameter>)
# Errors that C permits and that fail at run time: calls without a declaration or with arguments of other
# types, and functions that do not return a value.
target_compile_options(gw_flags INTERFACE
  $<$<COMPILE_LANG_AND_ID:C,GNU,Clang>:-Werror=implicit-function-declaration -Werror=implicit-int
    -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type>
  $<$<COMPILE_LANG_AND_ID:C,Clang>:-Werror=incompatible-function-pointer-types>
  $<$<COMPILE_LANG_AND_ID:C,MSVC>:/we4013 /we4047 /we4133 /we4024 /we4715>)
if(MSVC)
  # C11's atomics are there since Visual Studio 2022 17.5.
  if(CMAKE_C_COMPILER_ID STREQUAL "MSVC" AND MSVC_VERSION LESS 1935)
    message(FATAL_ERROR "Visual Studio 2022 17.5 or newer is needed, for <stdatomic.h>")
  endif()
  target_compile_options(gw_flags INTERFACE
    /utf-8 /W3 $<$<C_COMPILER_ID:MSVC>:/experimental:c11atomics>)
endif()
if(WIN32)
  # Windows 10. The warnings that are turned off are about the standard's own functions.
  target_compile_definitions(gw_flags INTERFACE
    _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX _CRT_SECURE_NO_WARNINGS)
  target_link_libraries(gw_flags INTERFACE ws2_32)
endif()
if(MINGW)
  target_link_options(gw_flags INTERFACE -static) # needs only the DLLs of Windows
endif()
if(GW_SANITIZE)
  target_compile_options(gw_flags INTERFACE
    -fsanitize=${GW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE})
endif()

# gw_add_library(NAME SOURCES...): adds the library of one folder of the tree.
function(gw_add_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC gw_flags)
endfunction()

# gw_add_program(NAME SOURCES...): a program, built into the top of the build folder.
function(gw_add_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE gw_flags)
endfunction()
