# Installs the build in `build_dir` into `prefix`, moves the result to `moved_prefix`, and checks that the package
# names no path of the source or build tree.
file(REMOVE_RECURSE "${prefix}" "${moved_prefix}")
execute_process(
    COMMAND ${CMAKE_COMMAND} --install "${build_dir}" --config "${config}" --prefix "${prefix}"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY
)
file(RENAME "${prefix}" "${moved_prefix}")

file(GLOB_RECURSE package_files "${moved_prefix}/*.cmake")
if(NOT package_files)
    message(FATAL_ERROR "no CMake package was installed into ${moved_prefix}")
endif()
foreach(file IN LISTS package_files)
    file(READ "${file}" text)
    foreach(private IN ITEMS "${source_dir}" "${build_dir}" gpushard_build_flags)
        string(FIND "${text}" "${private}" position)
        if(NOT position EQUAL -1)
            message(FATAL_ERROR "${file} names ${private}")
        endif()
    endforeach()
endforeach()
