# How every target of the project is compiled.
add_library(gw_flags INTERFACE)
target_include_directories(gw_flags INTERFACE
  ${PROJECT_SOURCE_DIR}
  ${PROJECT_BINARY_DIR}/gen)
target_compile_options(gw_flags INTERFACE
  $<$<C_COMPILER_ID:GNU,Clang>:-Wall -Wextra -Wpedantic>)
if(GW_SANITIZE)
  target_compile_options(gw_flags INTERFACE
    -fsanitize=${GW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE})
endif()

# gw_add_library(NAME SOURCES...): a folder of the house.
function(gw_add_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC gw_flags)
endfunction()

# gw_add_program(NAME SOURCES...): a program, built into the top of the build folder.
function(gw_add_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE gw_flags)
endfunction()
