#!/bin/sh
# The main job from an empty Debian 12 machine: builds gpushard, makes an index of 100,000 x 768 vectors (307 MB), loads
# it onto four logical devices none of which could hold it alone, searches it as one index, and checks every answer
# against an exact search by Faiss.
set -eu

if [ "${1:-}" = --help ]; then
    cat <<'END'
usage: sh examples/quickstart.sh

Installs what is missing (Debian 12, as root or with sudo), builds the tool into build/release, and runs the main job on
generated data in build/quickstart. Takes a few minutes the first time, less than one after that. No options.
END
    exit 0
fi
cd "$(dirname "$0")/.."

started=$(date +%s)
step="start"
advice="run it again"
begin() {
    step=$1
    advice=$2
    printf '\n== %s\n\n' "$step"
}
run() {
    printf '$ %s\n' "$*"
    "$@"
}
report_failure() {
    status=$?
    if [ "$status" -ne 0 ]; then
        printf '\nquickstart: stopped in the step "%s" (exit status %d). Try: %s.\n' "$step" "$status" "$advice" >&2
    fi
}
trap report_failure EXIT

tool=build/release/bin/gpushard
work=build/quickstart
index=$work/big.index
devices='cpu=112MiB*4'

begin "1. Packages" "install them by hand; the names are in cmake/install_debian_packages.sh"
sh cmake/install_debian_packages.sh build

begin "2. Build" "remove build/release and run it again; the compiler's messages are above"
if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
mkdir -p "$work"
cmake --preset release -DGPUSHARD_BUILD_TESTS=OFF >"$work/configure.log"
cmake --build --preset release --parallel "$(nproc)" --target gpushard_cli example_check_answers
sh cmake/check_blas.sh "$tool"

begin "3. An index file, and queries" "free 350 MB of disk space under build/"
run "$tool" generate --out "$index" --count 100000 --dim 768 --metric ip --seed 1 \
    --queries "$work/queries.npy" --query-count 500 --force

begin "4. What the file holds, from its header alone" "remove build/quickstart and run it again"
run "$tool" inspect "$index"

begin "5. The plan: four devices of 112 MiB for 293 MiB of vectors" "look at '$tool plan --help'"
run "$tool" plan "$index" --devices "$devices"

begin "6. Load, and verify 100 rows of it" "free 600 MB of memory"
run "$tool" load "$index" --devices "$devices" --verify 100

begin "7. Search all four as one index" "free 600 MB of memory"
run "$tool" search "$index" --devices "$devices" --queries "$work/queries.npy" --k 10 \
    --out "$work/ids.npy" --distances "$work/distances.npy"

begin "8. Every answer against an exact search by Faiss" "free 350 MB of memory"
run build/release/bin/check_answers "$index" "$work/queries.npy" "$work/ids.npy" "$work/distances.npy"

begin "Done in $(($(date +%s) - started)) seconds" ""
cat <<END
A file of 307 MB was loaded onto four devices of 112 MiB, searched as one index, and every answer is Faiss's own.
  $tool --help        the commands
  docs/README.md                        the manual: the tool, and how to use it from C++
  rm -r build/quickstart                removes the generated files
END
