#!/bin/sh
# run_test.sh CASE FOLDER SIMCUDA: runs run.sh of the bundle in FOLDER as CASE says, on the simulated cards in SIMCUDA or
# without any, and checks what it does.
set -u

case_name=$1
bundle=$2
simcuda=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
results=$work/results

fail() {
    echo "run_test.sh: $case_name: $1" >&2
    cat "$work/out" "$work/err" >&2
    exit 1
}

# Runs run.sh with the arguments; checks its exit code against $1.
run() {
    expected=$1
    shift
    sh "${script:-$bundle/run.sh}" --out "$results" "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ $status -eq "$expected" ] || fail "exit code $status, expected $expected"
}

says() { grep -q -- "$2" "$work/$1" || fail "std$1 does not say '$2'"; }
says_not() { if grep -q -- "$2" "$work/$1"; then fail "std$1 says '$2'"; fi; }
has() { grep -q -- "$1" "$results/results.json" || fail "results.json has no $1"; }

on_simulated_cards() {
    export LD_LIBRARY_PATH="$simcuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    # As real ones are: pages of 2 MiB, a context, a neighbour.
    export SIMCUDA_CARDS=8GiB:granularity=2MiB:context=300MiB:used=1GiB
    export SIMCUDA_KERNELS=count
    unset CUDA_VISIBLE_DEVICES
}

case "$case_name" in
    help)
        run 0 --help
        says out "usage: sh run.sh"
        says out "Exit codes"
        ;;
    usage)
        run 2 --no-such-option
        says err "no-such-option is unknown"
        run 2 --repeat 0
        says err "expected a number from 1"
        run 2 --filter
        says err "wants a value"
        on_simulated_cards
        run 2 --filter NoSuchTest
        says err "no test is selected"
        ;;
    no_card)
        # As on a machine without any, even where there is one.
        CUDA_VISIBLE_DEVICES=
        export CUDA_VISIBLE_DEVICES
        run 5
        says err "run.sh: no card to check: ."
        [ ! -e "$results/results.json" ] || fail "there are results"
        ;;
    no_runtime)
        cp -r "$bundle" "$work/bundle"
        echo "cudart=libcudart.so.987" >>"$work/bundle/made_of.sh"
        script=$work/bundle/run.sh
        run 5
        says err "libcudart.so.987 was not found"
        ;;
    simulated)
        on_simulated_cards
        run 0 --repeat 1 --filter '*Memory*:*CardHeld*:*TakesNoMoreThanPlanned*:*Answers*/InnerProductF32:SixteenThreads*'
        says out "SIMULATED CARDS"
        says out "result: PASS"
        # Faiss before 1.8 has no bfloat16, which three of them are about.
        says out "Card/Memory  *1[25]  *0  *[03] "
        says out "Card/Answers  *0  *0  *1"
        says out "load_peak_f16"
        says_not out "qps"
        says_not out "GB/s"
        has '"result": "pass"'
        has '"simulated": true'
        has '"planned_load_peak_bytes": [1-9]'
        has '"driver_load_peak_bytes": [1-9]'
        has 'cards cannot be checked'
        last=$(tail -n 1 "$work/out")
        [ "$last" = "result: PASS" ] || fail "the last line is '$last'"
        ;;
    old_compiler)
        # A C++ library without the symbols the programs need: any other library under its name.
        on_simulated_cards
        mkdir "$work/old"
        cp "$simcuda"/libcublasLt.so.[0-9]* "$work/old/libstdc++.so.6"
        LD_LIBRARY_PATH="$work/old:$LD_LIBRARY_PATH"
        run 0 --tests-only --filter 'CardHeld*'
        says out "result: PASS"
        ;;
    failing)
        on_simulated_cards
        # A neighbour comes in the middle and stays: what is free afterwards is not what it was before.
        export SIMCUDA_FAULTS="take@0:cudaMalloc:5=64MiB"
        run 1 --tests-only --filter '*IsGivenBackToTheByte/InnerProductF32'
        says out "failed: Card/Memory.IsGivenBackToTheByte/InnerProductF32"
        says out "result: FAIL"
        has '"result": "fail"'
        ;;
    aborting)
        on_simulated_cards
        # Faiss aborts without a cuBLAS handle; the suites after it still run.
        export SIMCUDA_FAULTS="cublasCreate_v2:1+"
        run 1 --tests-only --filter 'SixteenThreads*:*Answers*/InnerProductF32'
        says out "SixteenThreads  *did not finish (exit status 134)"
        says out "result: FAIL"
        ;;
    *) fail "no such case" ;;
esac
