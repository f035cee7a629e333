# Puts the programs, run.sh, and every library they need but glibc's and CUDA's into one folder, checks that nothing else
# is missing, and packs it.
#   cmake -Dfolder=... -Dtests=... -Dbenchmark=... -Dsource_dir=... -Dcudart=... -Dcublas=... -Dstrip=... -Dpack=ON|OFF
#       -P bundle.cmake
cmake_minimum_required(VERSION 3.24)

set(most_bytes 62914560)  # 60 MiB, compressed
set(of_glibc "^(linux-vdso|ld-linux.*|libc|libm|libdl|libpthread|librt)\\.so(\\.[0-9]+)?$")
set(of_cuda "^(libcudart|libcublas|libcublasLt)\\.so\\.[0-9]+$")
# Every machine has these. Those of this one may want a newer glibc than the programs do, so they lie apart, for machines
# whose own are too old.
set(of_compiler "^(libstdc\\+\\+|libgcc_s)\\.so\\.[0-9]+$")

# The names that a program or library asks for itself.
function(needed_by file result)
    execute_process(COMMAND readelf -d "${file}" OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "Shared library: \\[[^]]+\\]" entries "${dynamic}")
    list(TRANSFORM entries REPLACE "Shared library: \\[([^]]+)\\]" "\\1")
    set(${result} ${entries} PARENT_SCOPE)
endfunction()

# Where the loader of this machine finds them all.
function(found_for file result)
    execute_process(COMMAND ldd "${file}" OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
    set(${result} "${listed}" PARENT_SCOPE)
endfunction()

# Where `listed`, what ldd says, has a library; empty where it has none.
function(path_in listed name result)
    string(REGEX REPLACE "([.+])" "\\\\\\1" pattern "${name}")
    set(${result} "" PARENT_SCOPE)
    if(listed MATCHES "[\t ]${pattern} => ([^ ]+) \\(")
        set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
    endif()
endfunction()

# Copies what `file` needs, and what that needs, into lib/.
function(ship_needs_of file listed)
    needed_by("${file}" names)
    foreach(name IN LISTS names)
        set(place "${folder}/lib")
        if(name MATCHES "${of_compiler}")
            set(place "${folder}/lib/compiler")
        endif()
        if(name MATCHES "${of_glibc}" OR name MATCHES "${of_cuda}" OR EXISTS "${place}/${name}")
            continue()
        endif()
        path_in("${listed}" "${name}" path)
        if(NOT path)
            message(FATAL_ERROR "gpu_checks: ${name}, which ${file} needs, is not on this machine")
        endif()
        file(REAL_PATH "${path}" found)
        file(COPY_FILE "${found}" "${place}/${name}")
        ship_needs_of("${place}/${name}" "${listed}")
    endforeach()
endfunction()

file(REMOVE_RECURSE "${folder}")
file(MAKE_DIRECTORY "${folder}/lib/compiler")
set(programs "${folder}/gpu_checks_tests" "${folder}/gpu_checks_benchmark")
# As it is found on this machine: what is shipped is not there yet.
found_for("${tests}" listed)
found_for("${benchmark}" listed_for_benchmark)
string(APPEND listed "${listed_for_benchmark}")
foreach(program IN ITEMS "${tests}" "${benchmark}")
    get_filename_component(name "${program}" NAME)
    execute_process(COMMAND "${strip}" -o "${folder}/${name}" "${program}" COMMAND_ERROR_IS_FATAL ANY)
    ship_needs_of("${folder}/${name}" "${listed}")
endforeach()

# Nothing but glibc, CUDA and what lies in lib/ may be asked for, by anything in the folder.
file(GLOB shipped "${folder}/lib/*.so*")
set(glibc_versions "")
foreach(file IN LISTS programs shipped)
    needed_by("${file}" names)
    foreach(name IN LISTS names)
        if(NOT (name MATCHES "${of_glibc}" OR name MATCHES "${of_cuda}" OR EXISTS "${folder}/lib/${name}"
                OR EXISTS "${folder}/lib/compiler/${name}"))
            message(FATAL_ERROR "gpu_checks: ${file} needs ${name}, which is not in the folder")
        endif()
    endforeach()
    execute_process(COMMAND readelf -V "${file}" OUTPUT_VARIABLE versions COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "GLIBC_[0-9]+\\.[0-9]+" versions "${versions}")
    list(APPEND glibc_versions ${versions})
endforeach()
list(REMOVE_DUPLICATES glibc_versions)
list(SORT glibc_versions COMPARE NATURAL)
list(GET glibc_versions -1 newest_glibc)
string(REPLACE "GLIBC_" "" newest_glibc "${newest_glibc}")

# And the loader must take the shipped ones, whatever the machine has.
foreach(program IN LISTS programs)
    found_for("${program}" listed)
    foreach(library IN LISTS shipped)
        get_filename_component(name "${library}" NAME)
        path_in("${listed}" "${name}" path)
        if(path AND NOT path STREQUAL library)
            message(FATAL_ERROR "gpu_checks: ${program} takes ${path} instead of ${library}")
        endif()
    endforeach()
endforeach()

execute_process(COMMAND git -C "${source_dir}" describe --always --dirty --abbrev=10 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
)
if(NOT commit)
    set(commit unknown)
endif()
foreach(library IN ITEMS cudart cublas)
    execute_process(COMMAND readelf -d "${${library}}" OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "soname: \\[([^]]+)\\]" matched "${dynamic}")
    set(${library}_name "${CMAKE_MATCH_1}")
endforeach()
file(WRITE "${folder}/made_of.sh"
    "# What this folder was made of; run.sh reads it.\n"
    "commit='${commit}'\ncudart=${cudart_name}\ncublas=${cublas_name}\nglibc=${newest_glibc}\n"
)
file(COPY "${source_dir}/tests/gpu_checks/run.sh" "${source_dir}/tests/gpu_checks/README.md" DESTINATION "${folder}")

if(NOT pack)
    return()
endif()
get_filename_component(parent "${folder}" DIRECTORY)
get_filename_component(name "${folder}" NAME)
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env "XZ_OPT=-6 --threads=0" tar --create --xz --file "${folder}.tar.xz" --owner=0 --group=0 "${name}"
    WORKING_DIRECTORY "${parent}" COMMAND_ERROR_IS_FATAL ANY
)
file(SIZE "${folder}.tar.xz" bytes)
math(EXPR mebibytes "(${bytes} + 1048575) / 1048576")
if(bytes GREATER most_bytes)
    message(FATAL_ERROR "gpu_checks: ${folder}.tar.xz has ${mebibytes} MiB, expected at most 60 MiB")
endif()
message("${folder}.tar.xz: ${mebibytes} MiB, commit ${commit}; needs glibc ${newest_glibc}, ${cudart_name}, ${cublas_name} and a driver")
