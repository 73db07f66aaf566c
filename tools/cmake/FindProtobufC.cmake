# Finds protobuf-c: target ProtobufC::ProtobufC, and the programs protoc and protoc-gen-c.
find_package(protobuf-c CONFIG QUIET)
if(TARGET protobuf-c::protobuf-c AND NOT TARGET ProtobufC::ProtobufC)
  add_library(ProtobufC::ProtobufC INTERFACE IMPORTED)
  target_link_libraries(ProtobufC::ProtobufC INTERFACE protobuf-c::protobuf-c)
  set(ProtobufC_LIBRARY protobuf-c::protobuf-c)
else()
  find_path(ProtobufC_INCLUDE_DIR protobuf-c/protobuf-c.h)
  find_library(ProtobufC_LIBRARY NAMES protobuf-c libprotobuf-c)
endif()
find_program(ProtobufC_PROTOC NAMES protoc)
find_program(ProtobufC_PLUGIN NAMES protoc-gen-c)
# Where google/protobuf/descriptor.proto lies: beside protoc, on the machine that builds.
find_path(ProtobufC_PROTO_DIR google/protobuf/descriptor.proto
  PATH_SUFFIXES include NO_CMAKE_FIND_ROOT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ProtobufC REQUIRED_VARS
  ProtobufC_LIBRARY ProtobufC_PROTOC ProtobufC_PLUGIN ProtobufC_PROTO_DIR)
if(ProtobufC_FOUND AND NOT TARGET ProtobufC::ProtobufC)
  add_library(ProtobufC::ProtobufC UNKNOWN IMPORTED)
  set_target_properties(ProtobufC::ProtobufC PROPERTIES
    IMPORTED_LOCATION "${ProtobufC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${ProtobufC_INCLUDE_DIR}")
endif()
mark_as_advanced(ProtobufC_INCLUDE_DIR ProtobufC_LIBRARY ProtobufC_PROTOC ProtobufC_PLUGIN
  ProtobufC_PROTO_DIR)
