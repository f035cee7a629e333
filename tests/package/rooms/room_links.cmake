# Links the objects of each room with what its row of the table in src/README.md lets it call, and with nothing else: a
# room that calls more has symbols that nobody defines. `objects_file` says what the build has made; nothing is compiled.
cmake_minimum_required(VERSION 3.24)

include("${CMAKE_CURRENT_LIST_DIR}/table.cmake")
include("${objects_file}")
set(ENV{LC_ALL} C)
set(complaints "")

# The rooms and libraries that a room may call: those of its row, and those that they may call.
function(close_row room result)
    set(waiting ${may_call_${room}})
    set(found "")
    while(waiting)
        list(POP_FRONT waiting word)
        if(NOT word IN_LIST found)
            list(APPEND found "${word}")
            list(APPEND waiting ${may_call_${word}})
        endif()
    endwhile()
    set(${result} "${found}" PARENT_SCOPE)
endfunction()

foreach(object IN LISTS objects)
    if(NOT EXISTS "${object}")
        message(FATAL_ERROR "${object} is not there: the build must come first")
    endif()
    string(REGEX REPLACE "^.*/src/(CMakeFiles/[^/]+\\.dir/)?(\\./)?" "" path "${object}")
    find_room("${path}" room)
    if(room STREQUAL "")
        message(FATAL_ERROR "${object} is of no room of src/README.md")
    endif()
    list(APPEND objects_${room} "${object}")
endforeach()

# Of each room a shared library with all it defines, to be called by others: what it lacks itself is not looked for there.
# Objects of the tool are compiled for programs alone and stand for themselves.
file(REMOVE_RECURSE "${work_dir}")
file(MAKE_DIRECTORY "${work_dir}")
set(linked_rooms "")
foreach(room IN LISTS rooms)
    set(library_${room} "")
    if(DEFINED objects_${room})
        list(APPEND linked_rooms "${room}")
        set(library_${room} ${objects_${room}})
        if(NOT room IN_LIST tool_rooms)
            set(library_${room} "${work_dir}/lib${room}.so")
            execute_process(
                COMMAND ${compiler} -shared -Wl,--strip-debug -o "${library_${room}}" ${objects_${room}}
                COMMAND_ERROR_IS_FATAL ANY
            )
        endif()
    elseif(NOT room MATCHES "^public" AND NOT room IN_LIST rooms_not_built)
        string(APPEND complaints "${room} has no objects\n")
    endif()
endforeach()

# A program that is never run: it may lack nothing. One linker, whatever the build uses, as its messages are read.
set(link ${compiler} -fuse-ld=bfd -nostartfiles -Wl,--entry=0 -Wl,--defsym=__dso_handle=0 -Wl,--strip-debug
    -Wl,--allow-shlib-undefined -o "${work_dir}/linked"
)
foreach(room IN LISTS linked_rooms)
    close_row("${room}" callable)
    if(room IN_LIST callable)
        string(APPEND complaints "${room} may call what may call ${room}\n")
    endif()
    set(libraries "")
    foreach(word IN LISTS callable)
        if(NOT DEFINED library_${word})
            message(FATAL_ERROR "src/README.md: ${word} is neither a room nor a library that is known here")
        endif()
        list(APPEND libraries ${library_${word}})
    endforeach()
    execute_process(
        COMMAND ${link} ${objects_${room}} ${libraries}
        RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output
    )
    if(status EQUAL 0)
        continue()
    endif()
    string(REPLACE "[abi:cxx11]" "" output "${output}")
    string(REGEX MATCHALL "[A-Za-z0-9_]+\\.cpp[^\n]*: undefined reference to [^\n]*" calls "${output}")
    if(NOT calls)
        string(APPEND complaints "${room} cannot be linked:\n${output}")
    endif()
    list(TRANSFORM calls REPLACE "^([A-Za-z0-9_]+\\.cpp).*: undefined reference to .(.*).$" "\\2 in \\1")
    list(REMOVE_DUPLICATES calls)
    foreach(call IN LISTS calls)
        string(APPEND complaints "${room} calls ${call}, which is in no room or library that it may call\n")
    endforeach()
endforeach()

if(complaints)
    # Apart: an error is broken into lines wherever there is a space.
    message("${complaints}")
    message(FATAL_ERROR "src/README.md has the table.")
endif()
list(LENGTH objects object_count)
list(LENGTH linked_rooms room_count)
message("${object_count} objects in ${room_count} rooms call what the table of rooms lets them call")
