# README.md and README.zh-CN.md are one page in two languages: the same commands, the same program, the same figures in
# the same rows of their tables and in the text, the same links; and each leads to the other.
cmake_minimum_required(VERSION 3.24)

# What of `page` has to be the same in both, as `blocks`, `rows`, `figures` and `links` of the caller.
function(read_page page other)
    file(READ "${source_dir}/${page}" text)
    string(FIND "${text}" "](${other})" position)
    string(FIND "${text}" "\n## " first_section)
    if(position EQUAL -1 OR position GREATER first_section)
        message(FATAL_ERROR "${page} has no link to ${other} at its top")
    endif()
    # Where lists are made of it, a bracket that is not closed would join lines.
    string(REGEX REPLACE ";" "," text "${text}")
    string(REPLACE "](" "\nLINK(" text "${text}")
    string(REGEX REPLACE "[][]" "" text "${text}")

    string(REGEX MATCHALL "```[a-z]*\n[^`]*```" blocks "${text}")
    string(REGEX REPLACE " *# [^\n]*" "" blocks "${blocks}")  # comments are translated

    string(REGEX MATCHALL "LINK\\([^)]*\\)" links "${text}")
    list(REMOVE_ITEM links "LINK(${other})")
    list(FILTER links EXCLUDE REGEX "\\(#")  # headings are translated
    list(REMOVE_DUPLICATES links)
    list(SORT links)

    string(REGEX REPLACE "LINK\\([^)]*\\)" "" text "${text}")
    string(REGEX MATCHALL "\n\\|[^\n]*" lines "${text}")
    set(rows "")
    foreach(line IN LISTS lines)
        string(REGEX MATCHALL "\\||[0-9]+([.,][0-9]+)*" row "${line}")
        string(JOIN " " row ${row})
        string(APPEND rows "${row}\n")
    endforeach()

    string(REGEX MATCHALL "[0-9]+([.,][0-9]+)*" figures "${text}")
    list(REMOVE_DUPLICATES figures)
    list(SORT figures)

    foreach(part IN ITEMS blocks rows figures links)
        if("${${part}}" STREQUAL "")
            message(FATAL_ERROR "${page} has no ${part}")
        endif()
        set(${part} "${${part}}" PARENT_SCOPE)
    endforeach()
endfunction()

read_page(README.zh-CN.md README.md)
foreach(part IN ITEMS blocks rows figures links)
    set(chinese_${part} "${${part}}")
endforeach()
read_page(README.md README.zh-CN.md)
foreach(part IN ITEMS blocks rows figures links)
    if(NOT "${${part}}" STREQUAL "${chinese_${part}}")
        message(FATAL_ERROR "README.md and README.zh-CN.md have other ${part}:\n"
            "${${part}}\n\nand\n\n${chinese_${part}}")
    endif()
endforeach()
