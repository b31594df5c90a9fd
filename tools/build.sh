#!/usr/bin/env bash
# Installs the prerequisites and builds the project into build/. Sourced by
# run-demo and run-tests: leaves FX_PYTHON and PATH set.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FX_PYTHON=$("$root/tools/setup.sh" | tail -n 1)
export FX_PYTHON
cd "$root"
if [ ! -f build/build.ninja ] ||
  ! grep -q "FX_PYTHON:.*=$FX_PYTHON\$" build/CMakeCache.txt; then
  cmake --preset dev -DFX_PYTHON="$FX_PYTHON" >build-configure.log 2>&1 || {
    cat build-configure.log
    exit 1
  }
  rm -f build-configure.log
fi
cmake --build build
export PATH="$root/build/bin:$PATH"
