#!/bin/sh
# Warns when what RESULTS.md records of a commit is older than the code it is about. Always succeeds: such records are
# made by hand, where there are the hours or the machine for them.
set -eu
cd "$(dirname "$0")/../.."

# check NAME PATTERN PATH...: PATTERN (of sed -n) prints the commit of each such record, the newest last; what it covers
# is under the PATHs.
check() {
    name=$1
    recorded=$(sed -n "$2" tests/bench/RESULTS.md | tail -n 1)
    shift 2
    if [ -z "$recorded" ] || ! git cat-file -e "$recorded^{commit}" 2>/dev/null; then
        echo "warning: tests/bench/RESULTS.md names no commit of: $name" >&2
    elif ! git diff --quiet "$recorded" HEAD -- "$@"; then
        echo "warning: $* changed since $recorded, the commit of: $name" >&2
    else
        echo "$name: as recorded at $recorded"
    fi
}

check "the GPU backend against a modern Faiss" 's/^The GPU backend of commit `\([0-9a-f]*\)`.*/\1/p' \
    src/cuda include/gpushard/cuda
check "long runs (sh tests/long.sh --record)" '/^## Long runs/,$s/^|.*| `\([0-9a-f]\{7,40\}\)` |.*/\1/p' \
    src include tests/hostile
