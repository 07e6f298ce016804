# Antiphon. `make` alone prints this help; `make run` and `make test` set up everything they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The suite starts Python a thousand times: what was compiled is kept, also where somebody has said otherwise.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test services fuzz bench board style types cover parity boards deb debtest lock install uninstall card setup clean config daemon docs \
        hardware systemd tests

PYTHON ?= python3
VENV := .venv
GPIO ?= $(if $(wildcard /sys/firmware/devicetree/base/model),1)
# A board has a device tree, and then the Python packages for GPIO lines and SPI; GPIO=1 or GPIO= says otherwise.
BIN := $(VENV)/bin
CARD := build/libasound_module_pcm_antiphon.so
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

# The Debian that this machine has, where a package can be made for that, else the newest.
SUITE ?= $(or $(filter bookworm trixie,$(shell sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null || true)),trixie)
ARCH ?= $(shell dpkg --print-architecture 2>/dev/null || echo amd64)
# The machine that proves the package: its disk, its two kernels, and what runs one of them.
BOARD_TOOLS := mmdebstrap e2fsprogs gcc make flex bison bc binutils kmod xz-utils cpio busybox-static libelf1 libssl3 \
               qemu-system-x86 qemu-utils

# What the wheels do not bring. The first line builds PyAudio, systemd-python and the simulated card; the second takes
# echo out, where the settings want it; the third plays and records beside the daemon in tests, and gives the room its
# voices; the last makes networks that fail, for tests (`ip`, `nft`).
PACKAGES := ca-certificates python3-venv python3-dev gcc libc6-dev pkg-config portaudio19-dev libasound2-dev libsystemd-dev \
            libspeexdsp1 \
            alsa-utils flite espeak-ng \
            iproute2 nftables

help:  ## print this help
	@echo "Antiphon turns a small Linux board into a voice appliance. Targets:"
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: setup card  ## set everything up and watch a whole turn, on simulated hardware where there is none
	@$(BIN)/antiphon demo

# Files are shared among the processors; tests/conftest.py says what stays together.
test: setup card  ## the whole suite, from nothing
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

services: setup card  ## ask every service of StepFun's, simulated, by the user's own commands; prints a table
	@cd tests && $(abspath $(BIN))/python -m services.table

fuzz: setup  ## all streams of the services mutated at random, 10,000 each: minutes; prints counts (ONLY=name for some)
	@$(BIN)/python -m pytest tests/fuzz --hypothesis-profile fuzz --timeout 3600 --numprocesses auto --dist worksteal $(if $(ONLY),-k $(ONLY))

bench: setup card  ## measure; prints a table and writes build/bench.json (ONLY=name for one figure)
	@$(BIN)/python tests/bench/run.py $(ONLY)

board: setup build/.board-tools $(if $(DEB),,deb)  ## prove the package in a machine of its own (ONLY=name for one test, DEB=path for one package)
	@$(if $(DEB),ANTIPHON_BOARD_DEB=$(DEB)) $(BIN)/python tests/board/run.py $(ONLY)

style: setup  ## ruff: format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: setup  ## mypy --strict, and the floors
	@$(BIN)/mypy
	@$(BIN)/lint-imports

cover: setup card  ## branch coverage of the suite
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage report --skip-covered --sort=cover

parity: setup  ## compare wake word scores with the upstream openwakeword package, in an environment of its own
	@$(BIN)/python tests/parity/parity.py

boards: setup  ## write the page and the drawing of every board anew from its file, hardware/boards/*.yaml
	@mkdir -p hardware/wiring
	@for file in hardware/boards/*.yaml; do name=$$(basename $$file .yaml); \
	  $(BIN)/antiphon boards $$file --page >hardware/$$name.md; \
	  if grep -q '^wiring:' $$file; then $(BIN)/antiphon boards $$file --drawing >hardware/wiring/$$name.svg; fi; \
	done

deb: setup build/.deb-tools  ## build the package, and print where it is (SUITE=trixie or bookworm, ARCH=arm64 or amd64; else as here)
	@systemd/debian/build.sh $(SUITE) $(ARCH)

debtest: setup build/.deb-tools  ## build the package, and try it in a fresh Debian: install, upgrade, remove, purge
	@systemd/debian/try.sh $(SUITE) $(ARCH)

install: build/.packages build/.install-tools  ## install from this clone into /usr/local, as a service
	@systemd/install.sh install

uninstall:  ## remove what `make install` has installed; PURGE=1: also settings, key, state and user
	@PURGE=$(PURGE) systemd/install.sh uninstall

lock: setup  ## choose anew which Python packages the package carries: writes systemd/debian/wheels.lock
	@$(BIN)/python systemd/debian/lock.py

card: $(CARD)  ## build the simulated sound card

setup: build/.installed $(if $(GPIO),build/.gpio)

clean:  ## forget everything that was built or installed here
	@if [ -n "$$(find build -maxdepth 1 -name 'root-*' 2>/dev/null)" ]; then $(ROOT) rm -rf --one-file-system build/root-*; fi  # made by root
	@rm -rf build $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

config daemon docs hardware systemd tests:  # folders, which make would else take for targets that are done
	@echo "There is no target '$@' (that is a folder): 'make' alone lists the targets."; exit 2

$(CARD): $(wildcard hardware/simulated-card/*.[ch]) | build/.packages
	@mkdir -p build
	@gcc -O3 -Wall -Wextra -Werror -fPIC -shared -DPIC -o $@ $(filter %.c,$^) -lasound -lm

build/.packages: Makefile
	@mkdir -p build
	@if ! dpkg -s $(PACKAGES) >/dev/null 2>&1; then \
	  command -v apt-get >/dev/null || { echo "Antiphon needs Debian's packages: $(PACKAGES)"; exit 2; }; \
	  echo "Installing Debian packages: $(PACKAGES)"; \
	  $(ROOT) apt-get -qq update; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(PACKAGES) >build/apt.log 2>&1 \
	    || { tail -n 20 build/apt.log; exit 2; }; \
	fi
	@touch $@

build/.deb-tools: TOOLS := mmdebstrap arch-test qemu-user-static binfmt-support systemd-container
build/.install-tools: TOOLS := swig
build/.gpio-tools: TOOLS := swig
build/.deb-tools build/.install-tools build/.gpio-tools: | build/.packages
	@if ! dpkg -s $(TOOLS) >/dev/null 2>&1; then \
	  echo "Installing Debian packages: $(TOOLS)"; \
	  $(ROOT) apt-get -qq update; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(TOOLS) >build/apt.log 2>&1 \
	    || { tail -n 20 build/apt.log; exit 2; }; \
	fi
	@touch $@

build/.board-tools: | build/.packages
	@if ! dpkg -s $(BOARD_TOOLS) >/dev/null 2>&1; then \
	  echo "Installing Debian packages: $(BOARD_TOOLS)"; \
	  $(ROOT) apt-get -qq update; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(BOARD_TOOLS) >build/apt.log 2>&1 \
	    || { tail -n 20 build/apt.log; exit 2; }; \
	fi
	@touch $@

build/.installed: pyproject.toml build/.packages
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Antiphon needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Name another: make PYTHON=/usr/bin/python3")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --editable '.[systemd,echo,mcp,dev]'
	@touch $@

build/.gpio: build/.installed build/.gpio-tools
	@echo "Installing Python packages for GPIO lines and SPI into $(VENV)"
	@PYPI=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --editable '.[board]'
	@touch $@
