#!/bin/sh
# Makes the environment that `make` works in, or brings it up to the pins: sh install.sh VENV PYTHON [TORCH]
#   VENV    its folder
#   PYTHON  the interpreter to take, where it is one that the pins know
#   TORCH   the build of torch: auto (what fits the NVIDIA driver), cpu, cu126, …; default: the package index's own.
#           Without it: as before, auto at first.
set -eu
venv=$1 python=$2 asked=${3:-}
bin=$venv/bin
known='Python 3.11, 3.12, 3.13 or 3.14'
is_known='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1  # nothing to be told here
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

stop() { echo "$*" >&2; exit 1; }

pin() { grep -oE "^$1==[^ ]+" requirements.txt; }

version() { "$1" --version 2>/dev/null || echo 'no Python'; }

# The uv on PATH, or one that pip brings for this once; `venv` may bring pip where the system has none.
find_uv() {
  command -v uv && return
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv "$scratch/venv" >/dev/null 2>&1 || stop "$python has no pip to get uv with, which installs \
everything else: apt-get install python3-pip (or your system's package of pip, or uv itself), then run again."
    python=$scratch/venv/bin/python
  fi
  "$python" -m pip install --quiet --target "$scratch/uv" "$(pin uv)" >&2 ||
    stop "pip could not get $(pin uv): see above; with uv installed by other means, this goes on without pip."
  echo "$scratch/uv/bin/uv"
}

make_environment() {
  if "$python" -c "$is_known" 2>/dev/null; then
    wanted=$("$python" -c 'import sys; print(sys.executable)')
  else
    echo "$python is $(version "$python"); $known is needed: uv looks for one, or downloads it."
    wanted='>=3.11,<3.14'  # under 3.14 torch warns when it loads OpenAI's weights
  fi
  # An environment without a Python that runs is half made, or its Python has gone; no other folder is cleared.
  if [ -f "$venv/pyvenv.cfg" ]; then clear=--clear; else clear=; fi
  uv=$(find_uv) || exit 1
  "$uv" venv --quiet $clear --python "$wanted" "$venv" 2>"$scratch/said" || stop "$venv: no environment could be made \
with $wanted ($(head -n 1 "$scratch/said")): install $known and name it, make PYTHON=/path/to/python3.12."
}

add_installers() {
  uv=$(find_uv) || exit 1
  "$uv" pip install --quiet --python "$bin/python" "$(pin uv)" "$(pin pip)" 2>"$scratch/said" ||
    "$python" -m pip --quiet --python "$bin/python" install "$(pin uv)" "$(pin pip)" ||
    stop "Neither uv nor pip reaches a package index: $(head -n 1 "$scratch/said")"
}

# The default wheels of today, for CUDA 13, leave out what came before Turing (7.5): V100, P100, GTX 10.
has_old_card() {
  nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null |
    awk '0 < $1 + 0 && $1 < 7.5 { old = 1 } END { exit !old }'
}

# PyTorch's own index has the builds; where it cannot be reached, the package index has one that runs anywhere.
choose_torch() {
  choice=$torch backend=
  [ "$choice" != default ] || return 0
  if [ "$choice" = auto ] && has_old_card; then choice=cu126; fi
  if "$bin/uv" pip install --quiet --python "$bin/python" --dry-run --reinstall-package torch \
    --torch-backend "$choice" "$(pin torch)" "$(pin torchvision)" 2>"$scratch/said"; then
    backend="--torch-backend $choice"
  else
    torch=default  # what is there, so that asking again tries again
    echo "PyTorch's own index gives no $(pin torch) for TORCH=$choice ($(head -n 1 "$scratch/said")): the default \
wheels are taken (on Linux 6.5 GB, for CUDA 13; README: Which torch)."
  fi
}

remove_torch() {
  packages=$("$bin/uv" pip freeze --python "$bin/python" |
    sed -nE 's/^(torch|torchvision|triton|(nvidia|cuda)-.+)==.*/\1/p')
  # shellcheck disable=SC2086 # several words on purpose
  [ -z "$packages" ] || "$bin/uv" pip uninstall --quiet --python "$bin/python" $packages
}

[ -x "$bin/python" ] || make_environment
"$bin/python" -c "$is_known" || stop "$venv is of $(version "$bin/python"); $known is needed: make clean, and again."
[ -x "$bin/uv" ] || add_installers
before=$(cat "$venv/ready" 2>/dev/null || true)
torch=${asked:-${before:-auto}}
choose_torch
if [ -n "$asked" ] && [ "$torch" != "$before" ]; then remove_torch; fi
# uv does not read pip's configuration: where it reaches nothing, pip may.
# shellcheck disable=SC2086 # two words, or none, on purpose
"$bin/uv" pip install --quiet --python "$bin/python" $backend -r requirements.txt -e . ||
  "$bin/python" -m pip install --quiet -r requirements.txt -e .
echo "$venv: $(version "$bin/python"), torch $("$bin/python" -c 'import importlib.metadata as m; print(m.version("torch"))')"
echo "$torch" >"$venv/ready"
