# examples/hello.cpp has at most seven lines of code, and README.md shows the very same program.
file(STRINGS "${source_dir}/examples/hello.cpp" lines REGEX "[^ \t]")
list(FILTER lines EXCLUDE REGEX "^[ \t]*//")
list(LENGTH lines line_count)
if(line_count EQUAL 0 OR line_count GREATER 7)
    message(FATAL_ERROR "examples/hello.cpp has ${line_count} lines of code, expected 7 at most")
endif()

file(READ "${source_dir}/examples/hello.cpp" program)
file(READ "${source_dir}/README.md" readme)
string(FIND "${readme}" "```cpp\n${program}```" position)
if(position EQUAL -1)
    message(FATAL_ERROR "README.md does not show examples/hello.cpp as it is")
endif()
