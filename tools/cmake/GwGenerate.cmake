# From a game's .proto file to C, in this tree and in the builds of those who use the library; it is
# installed.
#
#   gangway_add_protocol()    for everybody
#   gw_generate()             the same, for this tree: all is said by the caller
#   gw_run_plugin()           one call of protoc
#
# Generated C includes itself by names that begin at the import root ("game/game.pb-c.h"), as the
# .proto files do.

set(GW_PROTOC_GEN_GW "" CACHE FILEPATH
  "The plugin protoc-gen-gw to generate with, built for this machine; empty: gangway's own")

# The plugin, as a command and as something to depend on.
function(gw_find_plugin path_out depends_out)
  if(GW_PROTOC_GEN_GW)
    set(${path_out} ${GW_PROTOC_GEN_GW} PARENT_SCOPE)
    set(${depends_out} ${GW_PROTOC_GEN_GW} PARENT_SCOPE)
  else()
    set(${path_out} $<TARGET_FILE:gangway::protoc-gen-gw> PARENT_SCOPE)
    set(${depends_out} gangway::protoc-gen-gw PARENT_SCOPE)
  endif()
endfunction()

# gw_run_plugin(OUTPUTS ... SCHEMA s.proto ROOT dir [IMPORTS dir...] C_OUT dir GW_OUT dir OPT ...
#               DEPENDS ...)
# One call of protoc. Ours is the first plugin, because what it says of a mistake is the clearest.
# protoc itself notes which files a schema imports.
function(gw_run_plugin)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;C_OUT;GW_OUT;OPT" "OUTPUTS;IMPORTS;DEPENDS" ${ARGN})
  gw_find_plugin(plugin plugin_depends)
  list(TRANSFORM arg_IMPORTS PREPEND -I OUTPUT_VARIABLE imports)
  file(MAKE_DIRECTORY ${arg_C_OUT} ${arg_GW_OUT})
  string(MAKE_C_IDENTIFIER ${arg_SCHEMA} name)
  set(depfile ${CMAKE_CURRENT_BINARY_DIR}/${name}.d)
  # protoc lists what it writes in this order, and ninja wants the first of both lists to agree.
  list(SORT arg_OUTPUTS)
  add_custom_command(
    OUTPUT ${arg_OUTPUTS}
    COMMAND ${ProtobufC_PROTOC} -I${arg_ROOT} ${imports} -I${ProtobufC_PROTO_DIR}
      --plugin=protoc-gen-gw=${plugin} --gw_opt=${arg_OPT} --gw_out=${arg_GW_OUT}
      --plugin=protoc-gen-c=${ProtobufC_PLUGIN} --c_out=${arg_C_OUT}
      --dependency_out=${depfile}
      ${arg_SCHEMA}
    DEPENDS ${arg_ROOT}/${arg_SCHEMA} ${plugin_depends} ${arg_DEPENDS}
    DEPFILE ${depfile}
    COMMENT "Generating from ${arg_SCHEMA}"
    VERBATIM)
endfunction()

# gw_generate(NAME SCHEMA game/game.proto ROOT dir LOCK file OUT dir OPT ... [IMPORTS dir...]
#             [DEPENDS ...] LINK ...)
# The library NAME has the messages, ids and senders, NAME_server and NAME_client each a packet
# table that wants the handlers of that side. These two are object libraries: what links one has its
# table in it, so that the linker asks for each handler, and a table may stand in an archive
# together with the handlers it calls.
function(gw_generate name)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;LOCK;OUT;OPT" "IMPORTS;DEPENDS;LINK" ${ARGN})
  string(REGEX REPLACE "\\.proto$" "" stem ${arg_OUT}/${arg_SCHEMA})
  set(shared ${stem}.pb-c.c ${stem}.pb-c.h ${stem}.gen.c ${stem}.gen.h)
  set(server ${stem}_server.gen.c ${stem}_server.gen.h)
  set(client ${stem}_client.gen.c ${stem}_client.gen.h)
  if(NOT EXISTS ${arg_LOCK})
    file(TOUCH ${arg_LOCK})
  endif()
  list(APPEND arg_OPT lock=${arg_LOCK})
  list(JOIN arg_OPT , options)
  gw_run_plugin(
    OUTPUTS ${shared} ${server} ${client}
    SCHEMA ${arg_SCHEMA} ROOT ${arg_ROOT} IMPORTS ${arg_IMPORTS}
    C_OUT ${arg_OUT} GW_OUT ${arg_OUT} OPT ${options}
    DEPENDS ${arg_LOCK} ${arg_DEPENDS})
  add_library(${name} STATIC ${shared})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${arg_OUT}>)
  target_link_libraries(${name} PUBLIC ${arg_LINK})
  foreach(side server client)
    add_library(${name}_${side} OBJECT ${${side}})
    target_link_libraries(${name}_${side} PUBLIC ${name})
  endforeach()
endfunction()

# gangway_add_protocol(NAME SCHEMA [ROOT dir] [LOCK file] [IMPORTS dir...])
#
# Makes three libraries of the schema SCHEMA, a path below ROOT: NAME (messages, ids and senders),
# NAME_server and NAME_client (each with the packet table of its side). A server links NAME_server
# and has a function on_x() for each packet x that clients send; a client links NAME_client and has
# client_on_x() for what servers send. A missing one is an error of the linker that names it.
#
#   ROOT     where names of imported files and of generated headers begin [the current folder]
#   LOCK     holds each packet id that was ever given away; the build adds new ones; commit it
#            [ROOT/packets.lock]
#   IMPORTS  further folders to import .proto files from; "gw/options.proto" is always found
function(gangway_add_protocol name schema)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "ROOT;LOCK" "IMPORTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gangway_add_protocol: what is \"${arg_UNPARSED_ARGUMENTS}\"?")
  endif()
  if(NOT arg_ROOT)
    set(arg_ROOT ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(NOT arg_LOCK)
    set(arg_LOCK ${arg_ROOT}/packets.lock)
  endif()
  cmake_path(ABSOLUTE_PATH arg_ROOT NORMALIZE OUTPUT_VARIABLE root)
  cmake_path(ABSOLUTE_PATH arg_LOCK NORMALIZE OUTPUT_VARIABLE lock)
  if(NOT EXISTS ${root}/${schema})
    message(FATAL_ERROR "gangway_add_protocol: there is no schema ${root}/${schema}")
  endif()
  get_target_property(proto_dir gangway::gangway GANGWAY_PROTO_DIR)
  gw_generate(${name}
    SCHEMA ${schema} ROOT ${root} IMPORTS ${arg_IMPORTS} ${proto_dir} LOCK ${lock}
    OUT ${CMAKE_CURRENT_BINARY_DIR}/${name}-gen OPT include=gangway/
    LINK gangway::gangway)
endfunction()
