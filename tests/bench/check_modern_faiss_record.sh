#!/bin/sh
# Warns when the GPU backend has changed since it was last run against a modern Faiss, as RESULTS.md records. Always
# succeeds: the record is made by hand, where such a Faiss is built.
set -eu
cd "$(dirname "$0")/../.."

recorded=$(sed -n 's/^The GPU backend of commit `\([0-9a-f]*\)`.*/\1/p' tests/bench/RESULTS.md)
if [ -z "$recorded" ] || ! git cat-file -e "$recorded^{commit}" 2>/dev/null; then
    echo "warning: tests/bench/RESULTS.md names no commit at which the GPU backend ran against a modern Faiss" >&2
elif ! git diff --quiet "$recorded" HEAD -- src/cuda include/gpushard/cuda; then
    echo "warning: src/cuda has changed since $recorded, at which it last ran against a modern Faiss" >&2
else
    echo "src/cuda is as it was when it last ran against a modern Faiss ($recorded)"
fi
