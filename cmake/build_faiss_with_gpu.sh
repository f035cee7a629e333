#!/bin/sh
# Builds Debian's own source of Faiss 1.7.3 with GPU support, once, into the user's cache, and prints where it is. It is
# for tests: its kernels are device-independent PTX and are not safe on real cards under CUDA 12 and later.
set -eu

usage() {
    cat <<'END_OF_USAGE'
usage: sh cmake/build_faiss_with_gpu.sh [--where]

Prints the prefix for CMAKE_PREFIX_PATH on stdout and everything else on stderr. Builds only what is not there yet: about
7 minutes on two processors. Needs nvcc on the PATH (or CUDACXX) and apt with Debian 12's archive.
  --where   prints the prefix without building
The cache is ${XDG_CACHE_HOME:-$HOME/.cache}/gpushard; removing it is safe.
END_OF_USAGE
}

where_only=false
case "${1:-}" in
    "") ;;
    --where) where_only=true ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac

version=1.7.3
architectures=75-virtual
# Plain PTX text, which the simulated cards can read.
cuda_flags="--no-compress"
options="-DFAISS_ENABLE_GPU=ON -DFAISS_ENABLE_PYTHON=OFF -DFAISS_ENABLE_C_API=OFF -DBUILD_TESTING=OFF
    -DBUILD_SHARED_LIBS=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON
    -DCMAKE_CUDA_ARCHITECTURES=$architectures -DCMAKE_CUDA_STANDARD=17 -DCMAKE_CUDA_RUNTIME_LIBRARY=Shared"

nvcc=${CUDACXX:-$(command -v nvcc || true)}
if [ -z "$nvcc" ]; then
    echo "nvcc is not on the PATH: the CUDA toolkit is missing. Name it by CUDACXX=/path/to/nvcc." >&2
    exit 1
fi
cuda_version=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
key=$(printf '%s %s' "$options" "$cuda_flags" | cksum | cut -d ' ' -f 1)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gpushard
prefix=$cache/faiss-$version-cuda-$cuda_version-ptx-$key

if $where_only || [ -f "$prefix/lib/libfaiss.a" ]; then
    echo "$prefix"
    exit 0
fi

cd "$(dirname "$0")/.."
sh cmake/install_debian_packages.sh build cuda >&2
mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# deb-src entries beside the ones the machine has, without touching those.
apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) main' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u >"$work/sources.list"
if ! [ -s "$work/sources.list" ]; then
    echo "apt knows no Debian archive; run apt-get update first, or build Faiss with GPU support by hand." >&2
    exit 1
fi
mkdir "$work/lists" "$work/source"
apt() {
    apt-get -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$work/lists" \
        -o APT::Sandbox::User=root "$@"
}
echo "Fetching Debian's source of Faiss $version" >&2
(cd "$work/source" && apt -qq update && apt -qq source "faiss=$version*" || apt -qq source faiss) >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
source=$(echo "$work"/source/faiss-"$version")

echo "Building Faiss $version with GPU support for CUDA $cuda_version into $prefix" >&2
launcher=""
if command -v ccache >/dev/null; then launcher="-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache"; fi
# shellcheck disable=SC2086 # lists of options
{
    cmake -G Ninja -S "$source" -B "$work/build" $options "-DCMAKE_CUDA_FLAGS=$cuda_flags" "-DCMAKE_CUDA_COMPILER=$nvcc" \
        $launcher "-DCMAKE_INSTALL_PREFIX=$work/prefix" -DCMAKE_INSTALL_LIBDIR=lib &&
        cmake --build "$work/build" --parallel "$(nproc)" --target faiss &&
        cmake --install "$work/build"
} >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    exit 1
}
# Whole or not at all; whoever was faster has the same.
mv -T "$work/prefix" "$prefix" 2>/dev/null || [ -f "$prefix/lib/libfaiss.a" ]
echo "$prefix"
