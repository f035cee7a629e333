# Reads the table of rooms in src/README.md, which is the rule that the checks in this folder check.
#   rooms                the rows
#   may_include_<room>   the words of the third column
#   may_call_<room>      those of the third and the fourth
#   values               the public headers that are plain values
file(STRINGS "${source_dir}/src/README.md" table REGEX "^\\| `[a-z/_]+` \\|.*\\|.*\\|.*\\|$")
set(rooms "")
foreach(row IN LISTS table)
    string(REGEX MATCH "^\\| `([a-z/_]+)` \\|[^|]*\\|([^|]*)\\|([^|]*)\\|$" matched "${row}")
    if(matched)
        set(room "${CMAKE_MATCH_1}")
        set(may_call "${CMAKE_MATCH_2} ${CMAKE_MATCH_3}")
        string(REGEX MATCHALL "[A-Za-z0-9/_]+" may_include_${room} "${CMAKE_MATCH_2}")
        string(REGEX MATCHALL "[A-Za-z0-9/_]+" may_call_${room} "${may_call}")
        list(APPEND rooms "${room}")
    endif()
endforeach()
list(LENGTH rooms room_count)
if(room_count LESS 10)
    message(FATAL_ERROR "src/README.md: the table of rooms has ${room_count} rows that can be read, expected all rooms")
endif()

file(READ "${source_dir}/src/README.md" map)
string(REGEX MATCH "\n- `values`:([^\n]|\n  )*" values "${map}")
string(REGEX MATCHALL "[a-z_]+\\.hpp" values "${values}")

# The room of a file: the row that is the longest prefix of its path below src, `public` for include/gpushard.
function(find_room path result)
    set(best "")
    foreach(room IN LISTS rooms)
        string(FIND "${path}" "${room}/" position)
        string(LENGTH "${room}" length)
        string(LENGTH "${best}" best_length)
        if(position EQUAL 0 AND length GREATER best_length)
            set(best "${room}")
        endif()
    endforeach()
    set(${result} "${best}" PARENT_SCOPE)
endfunction()
