# Proves that room_includes.cmake sees what it is there for: a copy of the sources with one wrong include is refused,
# and the file named.
file(REMOVE_RECURSE "${work_dir}")
file(COPY "${source_dir}/src" "${source_dir}/include" DESTINATION "${work_dir}")
file(APPEND "${work_dir}/src/core/bytes.cpp" "#include <fmt/core.h>\n")
execute_process(
    COMMAND ${CMAKE_COMMAND} "-Dsource_dir=${work_dir}" -P "${CMAKE_CURRENT_LIST_DIR}/room_includes.cmake"
    RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE message
)
if(status EQUAL 0 OR NOT message MATCHES "src/core/bytes.cpp includes <fmt/core.h>")
    message(FATAL_ERROR "an fmt header in src/core was let through (status ${status}): ${message}")
endif()
