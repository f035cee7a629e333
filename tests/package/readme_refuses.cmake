# Proves that the checks of the READMEs and the manual see what they are there for: each of them accepts a copy of the
# pages, and refuses it with one thing changed in it.
file(REMOVE_RECURSE "${work_dir}")
file(COPY "${source_dir}/docs" "${source_dir}/examples" DESTINATION "${work_dir}")
file(COPY "${source_dir}/README.md" "${source_dir}/README.zh-CN.md" "${source_dir}/CHANGELOG.md"
    "${source_dir}/CMakePresets.json" DESTINATION "${work_dir}"
)
file(COPY "${source_dir}/tests/run.sh" DESTINATION "${work_dir}/tests")

# Runs `script` over the copy, as `status` and `message` of the caller.
macro(check script)
    execute_process(
        COMMAND ${CMAKE_COMMAND} "-Dsource_dir=${work_dir}" "-Dgpushard=${gpushard}"
            -P "${CMAKE_CURRENT_LIST_DIR}/${script}"
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE message
    )
endmacro()

# expect_refusal(<script> <page> <text> <other>): with `other` for the first `text` of `page`.
function(expect_refusal script page text other)
    file(READ "${work_dir}/${page}" before)
    string(FIND "${before}" "${text}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "${page} has no '${text}' to be changed")
    endif()
    string(LENGTH "${text}" length)
    math(EXPR behind "${position} + ${length}")
    string(SUBSTRING "${before}" 0 ${position} head)
    string(SUBSTRING "${before}" ${behind} -1 tail)
    file(WRITE "${work_dir}/${page}" "${head}${other}${tail}")
    check(${script})
    if(status EQUAL 0 OR NOT message MATCHES "${page}")
        message(FATAL_ERROR "${script} let '${other}' in ${page} through (status ${status}): ${message}")
    endif()
    file(WRITE "${work_dir}/${page}" "${before}")
endfunction()

set(scripts readme_program.cmake readme_translation.cmake)
if(gpushard)
    list(APPEND scripts readme_commands.cmake)
endif()
foreach(script IN LISTS scripts)
    check(${script})
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${script} refuses the pages as they are: ${message}")
    endif()
endforeach()

foreach(page IN ITEMS README.md README.zh-CN.md)
    expect_refusal(readme_program.cmake ${page} "query, 10" "query, 11")
    expect_refusal(readme_translation.cmake ${page} "sh tests/run.sh" "sh tests/long.sh")
    expect_refusal(readme_translation.cmake ${page} "query, 10" "query, 11")
    expect_refusal(readme_translation.cmake ${page} " 9.72 " " 9.27 ")
    expect_refusal(readme_translation.cmake ${page} " 65,504" " 65,535")
    expect_refusal(readme_translation.cmake ${page} "(docs/tool.md)" "(docs/library.md)")
    expect_refusal(readme_translation.cmake ${page} "README." "README-")
endforeach()
expect_refusal(readme_program.cmake docs/library.md "query, 10" "query, 11")
expect_refusal(readme_program.cmake docs/tool.md "## Errors" "```cpp\nint main() {}\n```\n")
if(gpushard)
    foreach(page IN ITEMS README.md README.zh-CN.md)
        expect_refusal(readme_commands.cmake ${page} "sh tests/run.sh" "sh tests/walk.sh")
        expect_refusal(readme_commands.cmake ${page} " --fit" " --fits")
        expect_refusal(readme_commands.cmake ${page} "devices --measure" "devices --weigh")
    endforeach()
    expect_refusal(readme_commands.cmake docs/tool.md "bin/gpushard inspect" "bin/gpushard inspects")
    expect_refusal(readme_commands.cmake docs/tool.md "--query-count" "--query-counts")
    expect_refusal(readme_commands.cmake docs/devices_and_plans.md "\n$ gpushard plan" "\n$ gpushard place")
    expect_refusal(readme_commands.cmake docs/explain_and_doctor.md "explain --file" "explain --files")
    expect_refusal(readme_commands.cmake examples/README.md "--preset release" "--preset unreleased")
endif()
