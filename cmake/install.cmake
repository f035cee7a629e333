# Makes the library findable: installed (`cmake --install`) and straight from the build tree (-Dgpushard_DIR=<build>).
include(CMakePackageConfigHelpers)

set(GPUSHARD_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/gpushard")

install(TARGETS gpushard
    EXPORT gpushard-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
)
set(without_cuda_headers "")
if(NOT GPUSHARD_CUDA)
    set(without_cuda_headers PATTERN "gpushard/cuda" EXCLUDE)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp" ${without_cuda_headers}
)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/gpushard)
install(EXPORT gpushard-targets NAMESPACE gpushard:: DESTINATION ${GPUSHARD_INSTALL_CMAKEDIR})
export(EXPORT gpushard-targets NAMESPACE gpushard:: FILE "${PROJECT_BINARY_DIR}/gpushard-targets.cmake")

# RE2 has a CMake package of its own in newer distributions only.
configure_file("${CMAKE_CURRENT_LIST_DIR}/Findre2.cmake" "${PROJECT_BINARY_DIR}/Findre2.cmake" COPYONLY)
install(FILES "${CMAKE_CURRENT_LIST_DIR}/Findre2.cmake" DESTINATION ${GPUSHARD_INSTALL_CMAKEDIR})

configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/gpushard-config.cmake.in" "${PROJECT_BINARY_DIR}/gpushard-config.cmake"
    INSTALL_DESTINATION ${GPUSHARD_INSTALL_CMAKEDIR}
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO
)
# Before 1.0 a minor version may change the interface, and so the soname.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/gpushard-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/gpushard-config.cmake" "${PROJECT_BINARY_DIR}/gpushard-config-version.cmake"
    DESTINATION ${GPUSHARD_INSTALL_CMAKEDIR}
)

if(GPUSHARD_BUILD_CLI)
    # The installed tool finds a shared library beside itself, wherever the tree is moved.
    file(RELATIVE_PATH gpushard_libdir_from_bindir "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
    set_target_properties(gpushard_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${gpushard_libdir_from_bindir}")
    install(TARGETS gpushard_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
