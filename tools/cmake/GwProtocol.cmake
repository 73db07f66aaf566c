# Generation of C from the .proto files of this tree, during the build. The source tree contains no
# generated C.
#
#   gw_protobuf_c()              messages of any .proto, by protoc-gen-c
#   gw_add_control_protocol()    the control packets
#   gw_add_protocol()            a game's schema, as gangway_add_protocol() in other projects
include(GwGenerate)

# gw_protobuf_c(SOURCES_OUT ROOT dir [IMPORTS dir...] OUT dir PROTOS a.proto...): C of messages alone.
function(gw_protobuf_c sources_out)
  cmake_parse_arguments(arg "" "ROOT;OUT" "IMPORTS;PROTOS" ${ARGN})
  list(TRANSFORM arg_IMPORTS PREPEND -I OUTPUT_VARIABLE imports)
  file(MAKE_DIRECTORY ${arg_OUT})
  set(sources)
  foreach(proto IN LISTS arg_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${arg_OUT}/${stem}.pb-c.c ${arg_OUT}/${stem}.pb-c.h
      COMMAND ${ProtobufC_PROTOC} --plugin=protoc-gen-c=${ProtobufC_PLUGIN}
        -I ${arg_ROOT} ${imports} -I${ProtobufC_PROTO_DIR} --c_out=${arg_OUT} ${proto}
      DEPENDS ${arg_ROOT}/${proto}
      COMMENT "Generating ${stem}.pb-c"
      VERBATIM)
    list(APPEND sources ${arg_OUT}/${stem}.pb-c.c ${arg_OUT}/${stem}.pb-c.h)
  endforeach()
  set(${sources_out} ${sources} PARENT_SCOPE)
endfunction()

# gw_add_control_protocol(ROOT dir LOCK file): the library gw_proto_gw, which has the messages of
# the control packets. Their handlers and table are the session's own: gw_use_control_handlers().
function(gw_add_control_protocol)
  cmake_parse_arguments(arg "" "ROOT;LOCK" "" ${ARGN})
  set(gen ${PROJECT_BINARY_DIR}/gen)
  set(messages ${gen}/proto/gw/control.pb-c.c ${gen}/proto/gw/control.pb-c.h)
  set(handlers ${gen}/session/control.gen.c ${gen}/session/control.gen.h)
  file(MAKE_DIRECTORY ${gen}/session)
  # The lock is checked but is no dependency: a packet of a game need not generate this again.
  gw_run_plugin(
    OUTPUTS ${messages} ${handlers}
    SCHEMA gw/control.proto ROOT ${arg_ROOT}
    C_OUT ${gen}/proto GW_OUT ${gen} OPT control,lock=${arg_LOCK})
  # options.proto has no messages and does not go through protoc-gen-c, which would need
  # descriptor.pb-c.h. The generated header of each schema that imports it includes this file.
  file(CONFIGURE OUTPUT ${gen}/proto/gw/options.pb-c.h CONTENT
    "/* Empty: gw/options.proto has no messages. */\n")
  gw_add_library(gw_proto_gw ${messages})
  target_include_directories(gw_proto_gw PUBLIC ${gen}/proto)
  target_link_libraries(gw_proto_gw PUBLIC ProtobufC::ProtobufC)
  add_custom_target(gw_proto_gw_handlers DEPENDS ${handlers})
  add_dependencies(gw_proto_gw gw_proto_gw_handlers)
endfunction()

# gw_use_control_handlers(TARGET): the table of the control packets becomes part of TARGET, which
# includes "session/control.gen.h".
function(gw_use_control_handlers target)
  target_sources(${target} PRIVATE
    ${PROJECT_BINARY_DIR}/gen/session/control.gen.c
    ${PROJECT_BINARY_DIR}/gen/session/control.gen.h)
  add_dependencies(${target} gw_proto_gw_handlers)
endfunction()

# gw_add_protocol(NAME SCHEMA game/game.proto ROOT dir LOCK file REFERENCE file [IMPORTS dir...]
#                 [DEPENDS ...]):
# the libraries NAME, NAME_server and NAME_client, see gw_generate().
function(gw_add_protocol name)
  gw_generate(${name} ${ARGN}
    OUT ${PROJECT_BINARY_DIR}/gen/proto
    LINK gw_flags gw_session gw_protocol gw_proto_gw)
endfunction()
