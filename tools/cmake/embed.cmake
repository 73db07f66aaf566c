# cmake -DOUT=FILE.c -P embed.cmake -- PATH=TYPE=FILE...: writes files as the array admin_assets[] in C.
set(count 0)
set(arrays)
set(rows)
set(is_file OFF)
foreach(index RANGE ${CMAKE_ARGC})
  set(argument "${CMAKE_ARGV${index}}")
  if(is_file AND argument MATCHES "^([^=]+)=([^=]+)=(.+)$")
    set(path ${CMAKE_MATCH_1})
    set(type ${CMAKE_MATCH_2})
    file(READ ${CMAKE_MATCH_3} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(....................................................................................................)" "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const uint8_t asset_${count}[] = {\n    ${bytes}};\n\n")
    string(APPEND rows "    {\"${path}\", \"${type}\", asset_${count}, sizeof asset_${count}},\n")
    math(EXPR count "${count} + 1")
  elseif(argument STREQUAL "--")
    set(is_file ON)
  endif()
endforeach()
file(WRITE ${OUT} "/* Written by tools/cmake/embed.cmake. */
#include \"server/admin/assets.h\"

#include <stdint.h>

${arrays}const struct admin_asset admin_assets[] = {
${rows}};
const size_t admin_asset_count = sizeof admin_assets / sizeof admin_assets[0];
")
