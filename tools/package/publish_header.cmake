# Copies the public header FROM to TO, and makes "net/addr.h" <gangway/net/addr.h> in it. HEADERS
# are all that is public.
cmake_minimum_required(VERSION 3.25)
file(READ ${FROM} text)
string(REGEX REPLACE "#include \"gw/" "#include \"proto/gw/" text "${text}")
string(REGEX MATCHALL "#include \"[^\"]+\"" includes "${text}")
foreach(include IN LISTS includes)
  string(REGEX REPLACE "#include \"(.*)\"" "\\1" header "${include}")
  if(NOT header IN_LIST HEADERS)
    message(FATAL_ERROR "${FROM} is public, and includes \"${header}\", which is not")
  endif()
endforeach()
string(REGEX REPLACE "#include \"([^\"]+)\"" "#include <gangway/\\1>" text "${text}")
file(WRITE ${TO} "${text}")
