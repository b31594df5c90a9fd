#!/usr/bin/env bash
# Installs what the project builds and tests with, on Debian 12 as root or with
# sudo. Quick when all of it is there. `setup.sh` prints the Python interpreter
# to use as its last line.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

packages=(
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  cmake ninja-build ccache git ca-certificates
  zlib1g-dev liblemon-dev nlohmann-json3-dev
  python3 python3-dev python3-venv python3-pip
)

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing ${missing[*]}" >&2
  sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "setup.sh: not root and no sudo; install these Debian packages:" \
        "${missing[*]}" >&2
      exit 1
    }
    sudo=sudo
  fi
  $sudo apt-get update >&2
  $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi

# PyTorch judges the results of the tests. An interpreter that has it is used
# as it is, otherwise a virtual environment in the project gets it.
has_python_packages() {
  "$1" - >/dev/null 2>&1 <<'PY'
import numpy, pytest, torch
assert torch.__version__.split("+")[0] == "2.13.0"
PY
}
python=${FX_PYTHON:-}
if [ -z "$python" ]; then
  for candidate in "$root/.venv/bin/python" python3; do
    if command -v "$candidate" >/dev/null &&
      has_python_packages "$candidate"; then
      python=$(command -v "$candidate")
      break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "Installing PyTorch 2.13.0 into .venv" >&2
  python3 -m venv "$root/.venv"
  python="$root/.venv/bin/python"
  # torch first: what depends on it then finds this version.
  "$python" -m pip install --quiet torch==2.13.0 >&2
  "$python" -m pip install --quiet numpy pytest scikit-build-core >&2
fi
# The tests install the package without the network. An interpreter that is not
# ours is left as it is.
if ! PYTHONPATH="$root/build-pip" "$python" -c 'import scikit_build_core' \
    2>/dev/null; then
  echo "Installing scikit-build-core into build-pip" >&2
  "$python" -m pip install --quiet --target "$root/build-pip" \
    scikit-build-core >&2
fi
# PyTorch's OpInfo database imports it.
if ! PYTHONPATH="$root/build-pip" "$python" -c 'import expecttest' \
    2>/dev/null; then
  echo "Installing expecttest into build-pip" >&2
  "$python" -m pip install --quiet --target "$root/build-pip" --no-deps \
    expecttest >&2
fi
echo "$python"
