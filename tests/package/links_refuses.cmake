# Proves that links.cmake sees what it is there for: a page with every kind of good link passes, and broken ones are
# refused and named, one kind after the other.
file(REMOVE_RECURSE "${work_dir}")
file(WRITE "${work_dir}/docs/page.md" "# What it's for: `a` & b?\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n")

# Runs the check over a page with `text`, as `status` and `message` of the caller.
macro(check text)
    file(WRITE "${work_dir}/README.md" "# 数据，对比\n\n${text}\n")
    execute_process(
        COMMAND ${CMAKE_COMMAND} "-Dsource_dir=${work_dir}" -P "${CMAKE_CURRENT_LIST_DIR}/links.cmake"
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE message
    )
endmacro()

set(good "[a](docs/page.md) [b](docs/page.md#what-its-for-a--b) [c](docs/page.md#twice-1) [d](#数据对比) [e](docs)
[f](https://nowhere.invalid/x) [wrapped\nlink](docs/page.md \"title\") `[code](nowhere.md)` [g]\n
```cpp\nauto f = [](nowhere) {};\n```\n\n[g]: docs/page.md#twice")
check("${good}")
if(NOT status EQUAL 0)
    message(FATAL_ERROR "good links were refused: ${message}")
endif()

foreach(link IN ITEMS
    nowhere.md docs/nowhere.cpp page.md ../docs/page.md /docs/page.md "#nowhere" "docs/page.md#twice-2"
    "docs/page.md#no-heading" "docs#twice" ""
)
    check("${good}\n\n[a](${link})")
    string(FIND "${message}" "README.md: (${link})" position)
    if(status EQUAL 0 OR position EQUAL -1)
        message(FATAL_ERROR "(${link}) was let through (status ${status}): ${message}")
    endif()
endforeach()
check("[h]\n\n[h]: nowhere.md")
if(status EQUAL 0 OR NOT message MATCHES "README.md: \\(nowhere.md\\)")
    message(FATAL_ERROR "a definition that leads nowhere was let through (status ${status}): ${message}")
endif()
