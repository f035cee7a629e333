#!/bin/sh
# Says which BLAS a program will run on. Flat search is matrix products: with the reference BLAS it takes about 14
# times as long as with OpenBLAS, and nothing else tells.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: sh cmake/check_blas.sh PROGRAM" >&2
    exit 2
fi

blas=$(ldd "$1" | awk '$1 ~ /^lib(open)?blas/ { print $3; exit }')
if [ -z "$blas" ]; then
    echo "BLAS: no shared one; $1 has it inside, or needs none"
    exit 0
fi
blas=$(readlink -f "$blas")
echo "BLAS: $blas"
case "$blas" in
    *openblas* | *mkl* | *blis*) ;;
    *)
        echo "warning: this BLAS is slow; searches will take about 14 times as long as with OpenBLAS. To change it:" >&2
        echo "    update-alternatives --config libblas.so.3-$(basename "$(dirname "$(dirname "$blas")")")" >&2
        ;;
esac
