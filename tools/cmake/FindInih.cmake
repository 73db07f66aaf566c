# Finds inih, which reads INI files: target Inih::Inih.
find_package(unofficial-inih CONFIG QUIET) # as vcpkg calls it
if(TARGET unofficial::inih::libinih AND NOT TARGET Inih::Inih)
  add_library(Inih::Inih INTERFACE IMPORTED)
  target_link_libraries(Inih::Inih INTERFACE unofficial::inih::libinih)
  set(Inih_LIBRARY unofficial::inih::libinih)
else()
  find_path(Inih_INCLUDE_DIR ini.h)
  find_library(Inih_LIBRARY NAMES inih)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Inih REQUIRED_VARS Inih_LIBRARY)
if(Inih_FOUND AND NOT TARGET Inih::Inih)
  add_library(Inih::Inih UNKNOWN IMPORTED)
  set_target_properties(Inih::Inih PROPERTIES
    IMPORTED_LOCATION "${Inih_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Inih_INCLUDE_DIR}")
endif()
mark_as_advanced(Inih_INCLUDE_DIR Inih_LIBRARY)
