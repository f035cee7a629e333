# cmake -D bug=bugs/NAME.cmake -D sources=FOLDER -D out=FILE -P plant.cmake: a copy of the bug's source with the bug in
# it. One whose place is no longer in the source, or is there twice, is an error: it would prove nothing.
function(planted_in file)
    file(READ "${sources}/${file}" text)
    set(text "#line 1 \"${sources}/${file}\"\n${text}" PARENT_SCOPE)
    set(source "${file}" PARENT_SCOPE)
endfunction()

function(replaced old new)
    string(FIND "${text}" "${old}" first)
    string(FIND "${text}" "${old}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        message(FATAL_ERROR "${bug}: not once in ${source}:\n${old}")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
    set(text "${text}" PARENT_SCOPE)
endfunction()

function(caught_by)
endfunction()

include("${bug}")
file(WRITE "${out}" "${text}")
