# Proves that room_links.cmake sees what it is there for, by objects of two rooms that stand for the whole: what a room may
# not call is refused, and room and function are named; what it may call is not. A table that lets rooms call each other
# and a room without objects are refused, too.
cmake_minimum_required(VERSION 3.24)

include("${CMAKE_CURRENT_LIST_DIR}/table.cmake")
include("${objects_file}")
set(objects "")

# An object of `room`, made of `text`.
function(plant room name text)
    set(source "${work_dir}/src/${room}/${name}.cpp")
    file(WRITE "${source}" "${text}\n")
    execute_process(COMMAND ${compiler} -fPIC -c "${source}" -o "${source}.o" COMMAND_ERROR_IS_FATAL ANY)
    list(APPEND objects "${source}.o")
    set(objects "${objects}" PARENT_SCOPE)
endfunction()

# Runs the check on the planted objects, with the table of `table_dir`. Sets `status` and `message`.
function(check table_dir)
    file(WRITE "${work_dir}/objects.cmake"
        "include(\"${objects_file}\")\nset(objects \"${objects}\")\nset(rooms_not_built \"${rooms_not_built}\")\n"
    )
    execute_process(
        COMMAND ${CMAKE_COMMAND} "-Dsource_dir=${table_dir}" "-Dobjects_file=${work_dir}/objects.cmake"
            "-Dwork_dir=${work_dir}/links" -P "${CMAKE_CURRENT_LIST_DIR}/room_links.cmake"
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE message
    )
    set(status "${status}" PARENT_SCOPE)
    set(message "${message}" PARENT_SCOPE)
endfunction()

function(expect_refusal sentence)
    string(FIND "${message}" "${sentence}" position)
    if(status EQUAL 0 OR position EQUAL -1)
        message(FATAL_ERROR "let through, expected \"${sentence}\" (status ${status}): ${message}")
    endif()
endfunction()

file(REMOVE_RECURSE "${work_dir}")
set(rooms_not_built ${rooms})
list(REMOVE_ITEM rooms_not_built core report)
plant(core answer "int core_answer() { return 1; }")
plant(report answer "int core_answer(); int report_answer() { return core_answer(); }")
check("${source_dir}")
if(NOT status EQUAL 0)
    message(FATAL_ERROR "report may call core, but was refused: ${message}")
endif()

plant(core wrong_room "int report_answer(); int core_question() { return report_answer(); }")
plant(core wrong_library "extern \"C\" int omp_get_max_threads(); int core_threads() { return omp_get_max_threads(); }")
check("${source_dir}")
expect_refusal("core calls report_answer() in wrong_room.cpp")
expect_refusal("core calls omp_get_max_threads in wrong_library.cpp")
if(message MATCHES "report calls")
    message(FATAL_ERROR "report was refused because of what it calls in core: ${message}")
endif()

file(READ "${source_dir}/src/README.md" map)
string(REGEX REPLACE "(\n\\| `core` [^\n]*\\|) \\|\n" "\\1 `report` |\n" map "${map}")
file(WRITE "${work_dir}/circle/src/README.md" "${map}")
check("${work_dir}/circle")
expect_refusal("core may call what may call core")

list(REMOVE_ITEM rooms_not_built index)
check("${source_dir}")
expect_refusal("index has no objects")
