# Finds the CUDA runtime and a Faiss with GPU support: the one that CMAKE_PREFIX_PATH names, else a cached build of
# Debian's source, made on demand. The latter is for tests: see GPUSHARD_FAISS_IS_FOR_TESTS.
find_package(CUDAToolkit 12.0 REQUIRED)

find_path(GPUSHARD_FAISS_GPU_INCLUDE_DIR faiss/gpu/StandardGpuResources.h)
mark_as_advanced(GPUSHARD_FAISS_GPU_INCLUDE_DIR)
if(NOT GPUSHARD_FAISS_GPU_INCLUDE_DIR)
    message(STATUS "No Faiss with GPU support on CMAKE_PREFIX_PATH: building or reusing Debian's, for tests only")
    execute_process(
        COMMAND sh "${CMAKE_CURRENT_LIST_DIR}/build_faiss_with_gpu.sh"
        OUTPUT_VARIABLE GPUSHARD_CACHED_FAISS OUTPUT_STRIP_TRAILING_WHITESPACE
        RESULT_VARIABLE build_failed
    )
    if(build_failed)
        message(FATAL_ERROR "Faiss with GPU support could not be built. Name yours by -DCMAKE_PREFIX_PATH=DIR.")
    endif()
    set(GPUSHARD_CACHED_FAISS "${GPUSHARD_CACHED_FAISS}" CACHE INTERNAL "The cached build of Faiss with GPU support")
    find_path(GPUSHARD_FAISS_GPU_INCLUDE_DIR faiss/gpu/StandardGpuResources.h
        PATHS "${GPUSHARD_CACHED_FAISS}/include" NO_DEFAULT_PATH REQUIRED
    )
endif()
get_filename_component(gpushard_faiss_prefix "${GPUSHARD_FAISS_GPU_INCLUDE_DIR}" DIRECTORY)
list(PREPEND CMAKE_PREFIX_PATH "${gpushard_faiss_prefix}")

# The kernels of releases before 1.8 are not safe on real cards under CUDA 12 and later.
file(STRINGS "${GPUSHARD_FAISS_GPU_INCLUDE_DIR}/faiss/Index.h" versions REGEX "#define FAISS_VERSION_(MAJOR|MINOR) ")
string(REGEX MATCH "MAJOR ([0-9]+).*MINOR ([0-9]+)" matched "${versions}")
set(GPUSHARD_FAISS_IS_FOR_TESTS OFF)
if("${CMAKE_MATCH_1}.${CMAKE_MATCH_2}" VERSION_LESS 1.8)
    set(GPUSHARD_FAISS_IS_FOR_TESTS ON)
    message(WARNING "Faiss ${CMAKE_MATCH_1}.${CMAKE_MATCH_2} is for tests on simulated cards: its kernels are not safe on "
        "real ones under CUDA ${CUDAToolkit_VERSION}. For use, name Faiss 1.8 or newer (1.14.3 or newer recommended) by "
        "-DCMAKE_PREFIX_PATH=DIR.")
endif()
