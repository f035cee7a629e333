# What gpushard stands on. Debian 12: libfaiss-dev libopenblas-openmp-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
# libxxhash-dev libre2-dev libhwy-dev, libcli11-dev libzip-dev for the tool, libgtest-dev librapidcheck-dev libbenchmark-dev for the tests.

find_package(Threads REQUIRED)
# Faiss's own package names OpenMP::OpenMP_CXX without finding it, so OpenMP comes first.
find_package(OpenMP REQUIRED COMPONENTS CXX)
if(GPUSHARD_CUDA)
    include(faiss_with_gpu)
endif()
find_package(faiss CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)

find_package(re2 REQUIRED)
find_package(hwy CONFIG REQUIRED)

# xxhash ships no CMake package; its functions are inlined (XXH_INLINE_ALL), so the header is all that is needed.
find_path(GPUSHARD_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
mark_as_advanced(GPUSHARD_XXHASH_INCLUDE_DIR)

if(GPUSHARD_BUILD_CLI)
    find_package(CLI11 CONFIG REQUIRED)
    # The CMake package that Debian installs names programs of another package, so the library is looked up by itself.
    find_path(GPUSHARD_LIBZIP_INCLUDE_DIR zip.h REQUIRED)
    find_library(GPUSHARD_LIBZIP_LIBRARY zip REQUIRED)
    mark_as_advanced(GPUSHARD_LIBZIP_INCLUDE_DIR GPUSHARD_LIBZIP_LIBRARY)
endif()
if(GPUSHARD_BUILD_TESTS)
    find_package(GTest CONFIG REQUIRED)
    find_package(rapidcheck CONFIG REQUIRED)
endif()
if(GPUSHARD_BUILD_BENCHMARKS)
    find_package(benchmark CONFIG REQUIRED)
endif()
