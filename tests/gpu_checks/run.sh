#!/bin/sh
# Checks gpushard on the card of this machine and measures it: see --help.
set -u

usage() {
    cat <<'END_OF_USAGE'
usage: sh run.sh [--out DIR] [--tests-only] [--filter PATTERN] [--repeat N]

Runs gpushard's checks on the first card that is visible (CUDA_VISIBLE_DEVICES chooses another), then measures it beside
stock Faiss, and prints one table last. Takes minutes: 2 to 5 on a large card, and a few more the very first time, while
the driver compiles the kernels. Nothing is installed, and nothing is written but the folder of results.

  --out DIR         where results.json and the logs go (default: ./gpu_checks_results)
  --tests-only      leaves the benchmark out
  --filter PATTERN  runs the tests that GoogleTest's --gtest_filter=PATTERN selects
  --repeat N        times each figure is taken; medians are kept (default: 5)

Needs an NVIDIA driver, and the CUDA runtime and cuBLAS that the programs were linked with: looked for in
LD_LIBRARY_PATH, the loader's cache, /usr/local/cuda*, a conda environment, and the wheels of a Python installation.

Exit codes: 0 everything passed, 1 something failed, 2 wrong usage, 5 there is no card, or nothing to drive it with.
END_OF_USAGE
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
results=$PWD/gpu_checks_results
with_benchmark=true
filter='*'
repeat=5
while [ $# -gt 0 ]; do
    case "$1" in
        --help | -h) usage; exit 0 ;;
        --tests-only) with_benchmark=false ;;
        --out | --filter | --repeat)
            [ $# -ge 2 ] || { echo "run.sh: $1 wants a value" >&2; exit 2; }
            case "$1" in
                --out) results=$2 ;;
                --filter) filter=$2 ;;
                --repeat) repeat=$2 ;;
            esac
            shift ;;
        *) echo "run.sh: $1 is unknown" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
case "$repeat" in
    '' | *[!0-9]* | 0*) echo "run.sh: --repeat is '$repeat', expected a number from 1" >&2; exit 2 ;;
esac

commit=unknown cudart=libcudart.so cublas=libcublas.so glibc=unknown
# shellcheck source=/dev/null
. "$here/made_of.sh" || exit 1

# Prints the folder that has the library $1, or nothing.
find_library() {
    # Only the folder of programs may be taken apart at colons.
    old_ifs=$IFS
    IFS=:
    for folder in ${LD_LIBRARY_PATH:-}; do
        if [ -n "$folder" ] && [ -e "$folder/$1" ]; then
            IFS=$old_ifs
            echo "$folder"
            return
        fi
    done
    IFS=$old_ifs
    cached=$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | sed -n "s|^[[:space:]]*$1 .*x86-64.* => ||p" | head -n 1)
    if [ -n "$cached" ]; then
        dirname "$cached"
        return
    fi
    for folder in /usr/local/cuda*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib ${CONDA_PREFIX:+"$CONDA_PREFIX/lib"}; do
        if [ -e "$folder/$1" ]; then
            echo "$folder"
            return
        fi
    done
    for python in python3 python; do
        found=$("$python" - "$1" 2>/dev/null <<'END_OF_PYTHON'
import glob, os, site, sys
roots = set(site.getsitepackages() + [site.getusersitepackages()] + [p for p in sys.path if p.endswith("-packages")])
for root in sorted(roots):
    for path in sorted(glob.glob(os.path.join(root, "nvidia", "*", "lib", sys.argv[1]))):
        print(os.path.dirname(path))
        sys.exit()
END_OF_PYTHON
        )
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
}

# What the programs cannot start without, said by name.
for library in "$cudart" "$cublas"; do
    folder=$(find_library "$library")
    if [ -z "$folder" ]; then
        echo "run.sh: $library was not found. It comes with the CUDA toolkit; if it is somewhere else, name its folder in LD_LIBRARY_PATH." >&2
        exit 5
    fi
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH

mkdir -p "$results" && results=$(CDPATH='' cd -- "$results" && pwd) || exit 1
rm -f "$results"/*.json "$results"/*.log "$results"/suites.txt

look_at_card() {
    refused=$("$here/gpu_checks_benchmark" card --out "$results/card.json" 2>&1)
    status=$?
}
look_at_card
case "$refused" in
    *libstdc++.so* | *libgcc_s.so*)
        # This machine's compiler libraries are older than the programs, or missing.
        LD_LIBRARY_PATH=$here/lib/compiler:$LD_LIBRARY_PATH
        look_at_card ;;
esac
if [ $status -eq 5 ]; then
    echo "run.sh: no card to check: $refused" >&2
    exit 5
elif [ $status -ne 0 ]; then
    echo "run.sh: the programs do not start (exit status $status): $refused" >&2
    case "$refused" in
        *GLIBC_*) echo "run.sh: they need glibc $glibc or newer" >&2 ;;
    esac
    exit 1
fi

# Each suite in a process of its own: where Faiss aborts in one, the others still say what they find.
"$here/gpu_checks_tests" --gtest_list_tests "--gtest_filter=$filter" >"$results/list.log" 2>&1 ||
    { cat "$results/list.log" >&2; exit 1; }
suites=$(sed -n 's/^\([^ ].*\)\.\( .*\)\{0,1\}$/\1/p' "$results/list.log")
if [ -z "$suites" ]; then
    echo "run.sh: no test is selected by --filter '$filter'" >&2
    exit 2
fi
limit=""
if command -v timeout >/dev/null; then limit="timeout 900"; fi
: >"$results/suites.txt"
for suite in $suites; do
    name=$(echo "$suite" | tr / _)
    echo "checking: $suite" >&2
    # --filter selects within the suite as well.
    selected=$(sed -n "/^$(echo "$suite" | sed 's|/|\\/|g')\./,/^[^ ]/s/^  \([^ ]*\).*/\1/p" "$results/list.log" |
        sed "s|^|$suite.|" | paste -s -d : -)
    # shellcheck disable=SC2086 # $limit is words or nothing
    $limit "$here/gpu_checks_tests" "--gtest_filter=$selected" "--gtest_output=json:$results/$name.json" \
        >"$results/$name.log" 2>&1
    status=$?
    echo "$suite $status $name.json" >>"$results/suites.txt"
    if [ $status -ne 0 ]; then
        echo "run.sh: $suite ended with exit status $status; the last lines of $results/$name.log:" >&2
        tail -n 15 "$results/$name.log" >&2
    fi
done

benchmark_status=0
if $with_benchmark; then
    "$here/gpu_checks_benchmark" measure --repeat "$repeat" --out "$results/benchmark.json"
    benchmark_status=$?
fi

echo
"$here/gpu_checks_benchmark" summary --folder "$results" --commit "$commit" --date "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    --benchmark-status $benchmark_status --out "$results/results.json"
