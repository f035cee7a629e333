#!/bin/sh
# Installs what is missing (Debian 12), builds everything with the preset `dev`, and runs every test. Arguments go to
# ctest: `sh tests/run.sh -L unit`.
set -eu
cd "$(dirname "$0")/.."

sh cmake/install_debian_packages.sh build test
if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
cmake --preset dev
cmake --build --preset dev --parallel "$(nproc)"
sh cmake/check_blas.sh build/dev/bin/gpushard
exec ctest --preset dev --parallel "$(nproc)" "$@"
