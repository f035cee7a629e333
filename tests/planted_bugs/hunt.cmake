# cmake -D program=FILE -D tests=FILTER -D expected=caught|passed -P hunt.cmake: runs tests of an executable that has a
# bug in it. It is caught when an assertion fails or the simulated cards report an invalid access; one that ends in another
# way, or runs nothing, has not been caught.
set(ENV{GTEST_THROW_ON_FAILURE} 1)  # the first will do
execute_process(COMMAND "${program}" "--gtest_filter=${tests}"
    OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE result TIMEOUT 300)

if(NOT said MATCHES "\\[ RUN " OR said MATCHES "\\[  SKIPPED")
    message(FATAL_ERROR "the tests ${tests} did not run:\n${said}")
endif()
if(expected STREQUAL passed)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "without a bug the tests fail (${result}):\n${said}")
    endif()
    return()
endif()
if(result EQUAL 0)
    message(FATAL_ERROR "the bug was not caught by ${tests}:\n${said}")
endif()
if(NOT said MATCHES "[^\n]*(: Failure\n|simcuda: invalid access: )[^\n]*(\n[^\n]*)?(\n[^\n]*)?(\n[^\n]*)?")
    message(FATAL_ERROR "nothing was said to be wrong, yet it ended (${result}):\n${said}")
endif()
message(STATUS "caught:\n${CMAKE_MATCH_0}")
