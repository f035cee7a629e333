# Warnings and sanitizers for the targets of this project, never for those of its users.
add_library(gpushard_build_flags INTERFACE)
target_compile_options(gpushard_build_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wno-sign-conversion
    $<$<BOOL:${GPUSHARD_WARNINGS_AS_ERRORS}>:-Werror>
)
if(GPUSHARD_SANITIZE)
    target_compile_options(gpushard_build_flags INTERFACE -fsanitize=${GPUSHARD_SANITIZE})
    target_link_options(gpushard_build_flags INTERFACE -fsanitize=${GPUSHARD_SANITIZE})
endif()
