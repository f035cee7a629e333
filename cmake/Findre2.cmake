# Finds RE2: its own CMake package where it installs one, else its header and library, as Debian 12 has them. Defines the
# target re2::re2.
if(TARGET re2::re2)
    set(re2_FOUND TRUE)
    return()
endif()
find_package(re2 CONFIG QUIET)
if(re2_FOUND)
    return()
endif()

include(FindPackageHandleStandardArgs)
find_path(re2_INCLUDE_DIR re2/re2.h)
find_library(re2_LIBRARY re2)
mark_as_advanced(re2_INCLUDE_DIR re2_LIBRARY)
find_package_handle_standard_args(re2 REQUIRED_VARS re2_LIBRARY re2_INCLUDE_DIR)
if(re2_FOUND)
    find_package(Threads QUIET)
    add_library(re2::re2 UNKNOWN IMPORTED)
    set_target_properties(re2::re2 PROPERTIES
        IMPORTED_LOCATION "${re2_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${re2_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES Threads::Threads
    )
endif()
