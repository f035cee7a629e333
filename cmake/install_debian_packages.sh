#!/bin/sh
# Installs the Debian packages that gpushard is built from, those that are missing only. Asks apt for nothing when all
# are there. On systems without apt it says what is needed and leaves the rest to CMake.
set -eu

usage() {
    cat <<'END'
usage: sh cmake/install_debian_packages.sh GROUP...
  build   what the library and the command line tool are built from
  test    what the tests need beside it
  cuda    what building Faiss with GPU support needs beside the CUDA toolkit
  check   the formatter, the linter and the compiler cache
END
}

# command:package for tools, which may also come from elsewhere; package alone for libraries.
packages_of() {
    case "$1" in
        build) echo g++:g++ cmake:cmake ninja:ninja-build libfaiss-dev libopenblas-openmp-dev libspdlog-dev libfmt-dev \
            nlohmann-json3-dev libxxhash-dev libre2-dev libhwy-dev libcli11-dev libzip-dev ;;
        test) echo libgtest-dev libgmock-dev librapidcheck-dev ;;
        cuda) echo dpkg-source:dpkg-dev libopenblas-openmp-dev ccache:ccache ;;
        check) echo clang-format-14:clang-format-14 clang-tidy-14:clang-tidy-14 libomp-14-dev ccache:ccache ;;
        *) usage >&2; exit 2 ;;
    esac
}

is_installed() {
    case "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null || true)" in
        ii*) return 0 ;;
        *) return 1 ;;
    esac
}

if [ $# -eq 0 ] || [ "$1" = --help ]; then
    usage
    exit 0
fi

wanted=""
for group in "$@"; do
    wanted="$wanted $(packages_of "$group")"
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    cat >&2 <<'END'
This system has no apt, so nothing is installed. gpushard needs g++ 12 or newer, CMake 3.24 or newer, Ninja, Faiss
1.7.3 or newer with its headers, OpenMP, OpenBLAS, spdlog, fmt, nlohmann-json, xxhash, RE2 and Highway; CLI11 and libzip for the command
line tool; GoogleTest and rapidcheck for the tests. CMake will name what it cannot find; CMAKE_PREFIX_PATH tells it where
to look.
END
    command -v cmake >/dev/null && command -v c++ >/dev/null
    exit
fi

missing=""
for entry in $wanted; do
    case "$entry" in
        *:*) command -v "${entry%%:*}" >/dev/null || missing="$missing ${entry#*:}" ;;
        *) is_installed "$entry" || missing="$missing $entry" ;;
    esac
done
if [ -z "$missing" ]; then
    echo "Every Debian package needed is installed."
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing packages, and neither root nor sudo to install them. As root: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing$missing"
# shellcheck disable=SC2086 # $as_root is a word or nothing, $missing a list of words
if ! $as_root apt-get -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 ||
    ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
        install --yes --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt-get could not install$missing. The packages are those of Debian 12; elsewhere names may differ." >&2
    exit 1
fi
