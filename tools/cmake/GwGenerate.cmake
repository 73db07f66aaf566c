# Generation of C from a game's .proto file, in this tree and in projects that use the library. This file
# is installed.
#
#   gangway_add_protocol()    for any project
#   gw_generate()             the same for this tree, with all parameters
#   gw_run_plugin()           one call of protoc
#   gw_document()             documents: reference, dissector, fuzzer input
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
    if(NOT TARGET gangway::protoc-gen-gw)
      message(FATAL_ERROR "This gangway was built for another machine and has no protoc-gen-gw for this one: "
        "build it for this one too, and set GW_PROTOC_GEN_GW to its protoc-gen-gw")
    endif()
    set(${path_out} $<TARGET_FILE:gangway::protoc-gen-gw> PARENT_SCOPE)
    set(${depends_out} gangway::protoc-gen-gw PARENT_SCOPE)
  endif()
endfunction()

# gw_run_plugin(OUTPUTS ... SCHEMA s.proto ROOT dir [IMPORTS dir...] C_OUT dir GW_OUT dir OPT ...
#               DEPENDS ...)
# One call of protoc. protoc-gen-gw runs first, because its error messages are the clearest. protoc
# itself records which files a schema imports.
function(gw_run_plugin)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;C_OUT;GW_OUT;OPT" "OUTPUTS;IMPORTS;DEPENDS" ${ARGN})
  gw_find_plugin(plugin plugin_depends)
  list(TRANSFORM arg_IMPORTS PREPEND -I OUTPUT_VARIABLE imports)
  file(MAKE_DIRECTORY ${arg_C_OUT} ${arg_GW_OUT})
  string(MAKE_C_IDENTIFIER ${arg_SCHEMA} name)
  set(depfile ${CMAKE_CURRENT_BINARY_DIR}/${name}.d)
  set(escape)
  if("${arg_ROOT}${imports}${ProtobufC_PROTO_DIR}${arg_C_OUT}${arg_GW_OUT}" MATCHES " ")
    set(escape COMMAND ${CMAKE_COMMAND} -DFILE=${depfile} -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/GwEscapeDepfile.cmake)
  endif()
  # protoc lists what it writes in this order, and ninja wants the first of both lists to agree.
  list(SORT arg_OUTPUTS)
  add_custom_command(
    OUTPUT ${arg_OUTPUTS}
    COMMAND ${ProtobufC_PROTOC} -I${arg_ROOT} ${imports} -I${ProtobufC_PROTO_DIR}
      --plugin=protoc-gen-gw=${plugin} --gw_opt=${arg_OPT} --gw_out=${arg_GW_OUT}
      --plugin=protoc-gen-c=${ProtobufC_PLUGIN} --c_out=${arg_C_OUT}
      --dependency_out=${depfile}
      ${arg_SCHEMA}
    ${escape}
    DEPENDS ${arg_ROOT}/${arg_SCHEMA} ${plugin_depends} ${arg_DEPENDS}
    DEPFILE ${depfile}
    COMMENT "Generating from ${arg_SCHEMA}"
    VERBATIM)
endfunction()

# gw_document(NAME SCHEMA s.proto ROOT dir [IMPORTS dir...] OUT dir REFERENCE file DEPENDS ...)
# The target NAME keeps REFERENCE, which is committed, up to date, and writes a dissector for
# Wireshark (s.gen.lua), a dictionary (s.gen.dict) and seeds (s.gen.seeds) for a fuzzer, and the module of
# clients in JavaScript (s.gen.mjs, s.gen.d.mts). The control packets are documented too.
function(gw_document name)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;OUT;REFERENCE" "IMPORTS;DEPENDS" ${ARGN})
  gw_find_plugin(plugin plugin_depends)
  list(TRANSFORM arg_IMPORTS PREPEND -I OUTPUT_VARIABLE imports)
  string(REGEX REPLACE "\\.proto$" "" name_stem ${arg_SCHEMA})
  set(stem ${arg_OUT}/${name_stem})
  set(outputs ${stem}.gen.d.mts ${stem}.gen.dict ${stem}.gen.lua ${stem}.gen.mjs ${stem}.gen.seeds)
  if(NOT EXISTS ${arg_REFERENCE})
    file(TOUCH ${arg_REFERENCE})
  endif()
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${ProtobufC_PROTOC} -I${arg_ROOT} ${imports} -I${ProtobufC_PROTO_DIR}
      --plugin=protoc-gen-gw=${plugin} --gw_out=${arg_OUT}
      --gw_opt=documents,with=gw/control.proto,reference=${arg_REFERENCE},js=${name_stem}.gen.mjs
      gw/control.proto ${arg_SCHEMA}
    DEPENDS ${arg_REFERENCE} ${plugin_depends} ${arg_DEPENDS}
    COMMENT "Describing ${arg_SCHEMA}"
    VERBATIM)
  add_custom_target(${name} DEPENDS ${outputs})
endfunction()

# gw_add_packets_targets(NAME SCHEMA s.proto ROOT dir [IMPORTS dir...] LOCK file): the targets NAME_list
# and NAME_accept, the equivalent of tools/packets for any schema.
function(gw_add_packets_targets name)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;LOCK" "IMPORTS" ${ARGN})
  gw_find_plugin(plugin plugin_depends)
  list(TRANSFORM arg_IMPORTS PREPEND -I OUTPUT_VARIABLE imports)
  set(descriptors ${CMAKE_CURRENT_BINARY_DIR}/${name}.descriptors)
  foreach(what list accept)
    add_custom_target(${name}_${what}
      COMMAND ${ProtobufC_PROTOC} -I${arg_ROOT} ${imports} -I${ProtobufC_PROTO_DIR}
        --include_imports --include_source_info --descriptor_set_out=${descriptors} ${arg_SCHEMA}
      COMMAND ${plugin} --descriptor-set ${descriptors} --file ${arg_SCHEMA}
        --opt lock=${arg_LOCK},do=${what} --out ${CMAKE_CURRENT_BINARY_DIR}
      DEPENDS ${plugin_depends}
      VERBATIM)
  endforeach()
endfunction()

# gw_generate(NAME SCHEMA game/game.proto ROOT dir LOCK file REFERENCE file OUT dir OPT ...
#             [IMPORTS dir...] [DEPENDS ...] LINK ...)
# The library NAME has the messages, ids and senders, NAME_server and NAME_client each a packet
# table that refers to the handlers of that side. These two are object libraries: a target that links one
# contains its table, so that the linker requires each handler, and a table may be in an archive together
# with the handlers that it calls.
function(gw_generate name)
  cmake_parse_arguments(arg "" "SCHEMA;ROOT;LOCK;REFERENCE;OUT;OPT" "IMPORTS;DEPENDS;LINK" ${ARGN})
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
  gw_document(${name}_documents
    SCHEMA ${arg_SCHEMA} ROOT ${arg_ROOT} IMPORTS ${arg_IMPORTS}
    OUT ${arg_OUT} REFERENCE ${arg_REFERENCE}
    DEPENDS ${shared})
  add_library(${name} STATIC ${shared})
  add_dependencies(${name} ${name}_documents)
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${arg_OUT}>)
  target_link_libraries(${name} PUBLIC ${arg_LINK})
  foreach(side server client)
    add_library(${name}_${side} OBJECT ${${side}})
    target_link_libraries(${name}_${side} PUBLIC ${name})
  endforeach()
  # They may become part of a shared object. Names of static functions repeat.
  set_target_properties(${name} ${name}_server ${name}_client PROPERTIES
    POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
endfunction()

# gangway_add_protocol(NAME SCHEMA [ROOT dir] [LOCK file] [REFERENCE file] [IMPORTS dir...])
#
# Makes three libraries of the schema SCHEMA, a path below ROOT: NAME (messages, ids and senders),
# NAME_server and NAME_client (each with the packet table of its side). Beside the generated C, in
# NAME-gen, are a module for clients in JavaScript, a dissector for Wireshark and input for a fuzzer. A server links NAME_server
# and has a function PACKAGE_on_x() for each packet x that clients send; a client links NAME_client and
# has PACKAGE_client_on_x() for what servers send. A missing one is an error of the linker that names it. The
# targets NAME_list and NAME_accept list the packets and accept an incompatible change into the lock.
#
#   ROOT       where names of imported files and of generated headers begin [the current folder]
#   LOCK       has each packet id that was ever assigned; the build adds new ones; commit it
#              [ROOT/packets.lock]
#   REFERENCE  describes each packet for developers of clients; the build writes it; commit it; each
#              schema has its own [ROOT/PROTOCOL.md]
#   IMPORTS    further folders to import .proto files from; "gw/options.proto" is always found
function(gangway_add_protocol name schema)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "ROOT;LOCK;REFERENCE" "IMPORTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gangway_add_protocol: what is \"${arg_UNPARSED_ARGUMENTS}\"?")
  endif()
  if(NOT CMAKE_C_COMPILER_LOADED)
    message(FATAL_ERROR "gangway_add_protocol generates C: "
      "write project(${CMAKE_PROJECT_NAME} LANGUAGES C CXX), or call find_package(gangway) outside of functions")
  endif()
  if(NOT arg_ROOT)
    set(arg_ROOT ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(NOT arg_LOCK)
    set(arg_LOCK ${arg_ROOT}/packets.lock)
  endif()
  if(NOT arg_REFERENCE)
    set(arg_REFERENCE ${arg_ROOT}/PROTOCOL.md)
  endif()
  cmake_path(ABSOLUTE_PATH arg_ROOT NORMALIZE OUTPUT_VARIABLE root)
  cmake_path(ABSOLUTE_PATH arg_LOCK NORMALIZE OUTPUT_VARIABLE lock)
  cmake_path(ABSOLUTE_PATH arg_REFERENCE NORMALIZE OUTPUT_VARIABLE reference)
  if(NOT EXISTS ${root}/${schema})
    message(FATAL_ERROR "gangway_add_protocol: there is no schema ${root}/${schema}")
  endif()
  get_property(other GLOBAL PROPERTY "GANGWAY_REFERENCE ${reference}")
  if(other)
    message(FATAL_ERROR
      "gangway_add_protocol: ${reference} describes ${other}: give ${schema} another one, as REFERENCE")
  endif()
  set_property(GLOBAL PROPERTY "GANGWAY_REFERENCE ${reference}" ${schema})
  get_target_property(proto_dir gangway::gangway GANGWAY_PROTO_DIR)
  gw_generate(${name}
    SCHEMA ${schema} ROOT ${root} IMPORTS ${arg_IMPORTS} ${proto_dir} LOCK ${lock}
    REFERENCE ${reference} OUT ${CMAKE_CURRENT_BINARY_DIR}/${name}-gen
    OPT "include=gangway/,packets=cmake --build ${CMAKE_BINARY_DIR} --target ${name}_"
    LINK gangway::gangway)
  # Schemas with one lock are generated one after the other, because each may add to it.
  get_property(other GLOBAL PROPERTY "GANGWAY_LOCK ${lock}")
  if(other)
    add_dependencies(${name}_documents ${other}_documents)
  endif()
  set_property(GLOBAL PROPERTY "GANGWAY_LOCK ${lock}" ${name})
  gw_add_packets_targets(${name}
    SCHEMA ${schema} ROOT ${root} IMPORTS ${arg_IMPORTS} ${proto_dir} LOCK ${lock})
endfunction()
