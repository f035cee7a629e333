# Warnings and sanitizers for the targets of this project, never for those of its users.
add_library(gpushard_build_flags INTERFACE)
target_compile_options(gpushard_build_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wno-sign-conversion
    $<$<BOOL:${GPUSHARD_WARNINGS_AS_ERRORS}>:-Werror>
    # GCC 12 warns of overlapping copies inside std::string's operator+ that there are not (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
)
if(GPUSHARD_SANITIZE)
    target_compile_options(gpushard_build_flags INTERFACE -fsanitize=${GPUSHARD_SANITIZE})
    target_link_options(gpushard_build_flags INTERFACE -fsanitize=${GPUSHARD_SANITIZE})
endif()
