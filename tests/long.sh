#!/bin/sh
# The long versions of tests that `sh tests/run.sh` runs for seconds: installs what is missing (Debian 12), builds the
# preset `dev`, runs them for an hour or so, and says what came out. With --record it also adds a line to
# tests/bench/RESULTS.md, which tests/bench/check_records.sh compares with the code.
set -eu
cd "$(dirname "$0")/.."

record=""
case "${1:-}" in
    "") ;;
    --record) record=yes ;;
    *) echo "usage: sh tests/long.sh [--record]" >&2; exit 2 ;;
esac
covered="src include tests/hostile"
# shellcheck disable=SC2086 # $covered is a list
if [ -n "$record" ] && [ -n "$(git status --porcelain -- $covered)" ]; then
    echo "Nothing can be recorded: $covered differ from the commit." >&2
    exit 1
fi

sh cmake/install_debian_packages.sh build test
if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
cmake --preset dev
cmake --build --preset dev --parallel "$(nproc)"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
began=$(date +%s)
result=passed
export GPUSHARD_LONG=1
for chosen in '-L ^hostile$' '-R ^IndexLifetime\.'; do
    # shellcheck disable=SC2086 # an option and its value
    ctest --preset dev --parallel "$(nproc)" --verbose $chosen >>"$log" 2>&1 || result=failed
done
unset GPUSHARD_LONG
# The tool with AddressSanitizer and UndefinedBehaviorSanitizer, which compiling it for takes most of the time.
cmake --preset asan-ubsan '-DGPUSHARD_TEST_ROOMS=support;scenario;hostile'
cmake --build --preset asan-ubsan --parallel "$(nproc)"
ctest --preset asan-ubsan --parallel "$(nproc)" >>"$log" 2>&1 || result=failed
minutes=$((($(date +%s) - began + 59) / 60))

# What the tests say of themselves, in a line each.
facts=$(sed -n 's/^[0-9]*: hostile: //p' "$log" | sort)
echo "$facts"
grep 'tests passed\|Failed\|\*\*\*' "$log" || true
echo "$minutes min, $result"
if [ "$result" = failed ]; then
    kept=$(mktemp -t gpushard-long-XXXXXX)
    cp "$log" "$kept"
    echo "everything that was said: $kept" >&2
    exit 1
fi
[ -n "$record" ] || exit 0

# sum WORD: all numbers in front of that word, added up.
sum() {
    echo "$facts" | awk -v word="$1" '{ for (i = 2; i <= NF; i++) if ($i == word) total += $(i - 1) } END { print total + 0 }'
}
counts="$(sum commands) random commands, $(sum failures) failing calls ($(sum aborted) ended by libraries), \
$(sum signals) signals, $(grep -c 'IndexLifetime\..*WhileSixteen.* Passed' "$log") x 1,000 rounds of an index that goes \
while it is searched; $minutes min"
machine="$(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
row="| $(date +%Y-%m-%d) | $machine | \`sh tests/long.sh\` | \`$(git rev-parse --short=10 HEAD)\` | $counts |"
# After the last row of the section's table.
awk -v row="$row" '
    /^## / { inside = ($0 == "## Long runs") }
    inside && /^\|/ { last = NR }
    { line[NR] = $0 }
    END { for (i = 1; i <= NR; i++) { print line[i]; if (i == last) print row } }
' tests/bench/RESULTS.md >"$log"
cat "$log" >tests/bench/RESULTS.md
echo "recorded: $row"
