# make figures            every notebook on the bundled sample: figures/sample/
# make figures PROFILE=vcoco                 the same on real V-COCO, downloaded first
# make figures NOTEBOOKS='03 04'             some of them
# make report [PROFILE=vcoco]                what was run as a site to read offline: figures/<profile>/report/index.html
# make test | make lab    the tests | JupyterLab
# make test-all           the long ones too: kills at any moment, JupyterLab in a browser, the whole path to real V-COCO
# make bench              what every step costs on this machine, a quarter of an hour on 2 cores: figures/bench.md
# make bench PARTS='pose clip'               some parts, shown and not written; PARTS=ray needs make ray
# make ray                what engine="ray" needs besides; make test has it too
# make ready              .venv alone, which all of these make first: of Python 3.11 to 3.14, python3 where it is one,
#                         else the one that uv finds or downloads
# make PYTHON=/path/to/python3.12            another interpreter
# make VENV=/scratch/me/venv                 the environment elsewhere
# make TORCH=cpu                             another build of torch, from now on: cu126, …; README: Which torch

PROFILE ?= sample
NOTEBOOKS ?=
PARAMETERS ?=
PARTS ?=
LAB_OPTIONS ?=
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)  # in a container; Jupyter refuses root otherwise
PYTHON ?= python3
VENV ?= .venv
TORCH ?=
BIN := $(VENV)/bin
READY := $(VENV)/ready
RAY_READY := $(VENV)/ray-ready
# Two files of tests side by side; more threads than cores would slow each other down.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# Nothing else on the machine may choose the kernel or the packages of .venv.
export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONNOUSERSITE := 1
# Compiled modules are kept: without them every import of torch and MMPose takes half a minute.
unexport PYTHONDONTWRITEBYTECODE
# Text is UTF-8, whatever the locale.
export PYTHONUTF8 := 1
unexport JUPYTER_PATH
unexport PYTHONPATH
unexport PYTHONHOME
# Colab's names a module of its own.
unexport MPLBACKEND

.PHONY: ready figures report test test-all bench lab ray format readme clean

figures: $(READY)
	$(BIN)/python notebooks/run.py $(NOTEBOOKS) -p PROFILE '$(PROFILE)' $(PARAMETERS)

report: $(READY)
	$(BIN)/python notebooks/report.py -p PROFILE '$(PROFILE)' $(PARAMETERS)

test: $(RAY_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST) -m 'not long'

test-all: test
	$(PYTEST) -m long

bench: $(READY)
	PYTHONPATH=tests $(BIN)/python -m bench $(PARTS)

lab: $(READY)
	$(BIN)/jupyter lab notebooks $(ALLOW_ROOT) $(LAB_OPTIONS)

ready: $(READY)

ray: $(RAY_READY)

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The README's pictures, small enough for git, from what make figures has drawn.
readme: $(READY)
	$(BIN)/python -c "from PIL import Image; \
	  [(image := Image.open(f'figures/sample/{name}.png').convert('RGB')).thumbnail((900, 900)) or \
	   image.save(f'figures/readme/{name}.png', optimize=True) \
	   for name in ('01_people', '03_accuracy_by_epoch', '08_scale')]"

clean:
	test ! -f $(VENV)/pyvenv.cfg || rm -rf $(VENV)

# What was chosen once holds; another choice installs again.
ifneq ($(TORCH),)
ifneq ($(TORCH),$(shell cat $(READY) 2>/dev/null))
.PHONY: $(READY)
endif
endif

$(READY): requirements.txt constraints.txt pyproject.toml install.sh $(wildcard stand_ins/*/pyproject.toml)
	@sh install.sh '$(VENV)' '$(PYTHON)' '$(TORCH)'

$(RAY_READY): $(READY) requirements-ray.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-ray.txt || \
	  $(BIN)/python -m pip install --quiet -r requirements-ray.txt
	touch $@
