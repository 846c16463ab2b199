#!/bin/sh
# Installs what hasten can use from the system, where we may. Without it hasten still works, at a
# lower sandbox level and without what needs the program: `hasten doctor` says so.
# PROGRAM:PACKAGE, the sandbox first; the others are for C and C++ and for the tests.
wanted="bwrap:bubblewrap g++:g++ valgrind:valgrind hyperfine:hyperfine"
packages=""
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair#*:}"
done
[ -f /usr/include/benchmark/benchmark.h ] || packages="$packages libbenchmark-dev"
[ -z "$packages" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq >/dev/null 2>&1
    missing=""
    for package in $packages; do
        apt-get install -y -qq "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    packages=$missing
fi
[ -z "$packages" ] ||
    echo "not installed:$packages (the sandbox needs bubblewrap; hasten doctor says more)" >&2
