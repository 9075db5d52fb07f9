# Thin on purpose: each target is one or two commands that can be typed by hand. `make help` lists them.
#   make test ARGS="style release"     only these stages
#   make soak ARGS="--seeds 300000"    so many simulated runs of the engine
#   make mutate ARGS="--seed 7 --count 150 --only core/http"
#   make bench ARGS="--peers nginx,weir --scenarios h1-small --rounds 6"
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build windows macos demo test test-windows soak mutate bench lint format fuzz install clean

ARGS ?=
PREFIX ?= /usr/local
# Warnings are errors where nobody reads them.
WERROR := $(if $(CI),ON,OFF)

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## builds the release binary, build/release/weir
	@packaging/install-dependencies build
	@[ -f build/release/build.ninja ] || cmake --preset release -DWEIR_BUILD_TESTS=OFF -DWEIR_WERROR=$(WERROR)
	@cmake --build build/release --target weir $(if $(CI),-- --quiet)

macos: ## compiles and links weir for macOS: build/macos-arm64/weir, build/macos-x86_64/weir
	@packaging/install-dependencies macos
	@packaging/cross/build macos-arm64
	@packaging/cross/build macos-x86_64

demo: ## builds weir, proxies a request with it and shows what happened
	@packaging/install-dependencies demo
	@$(MAKE) --no-print-directory build
	@packaging/demo/run

test: ## builds and runs every suite, sanitizers and a little fuzzing included
	@packaging/install-dependencies test
	@python3 tests/run.py $(ARGS)

windows: ## builds build/windows/weir.exe with mingw-w64 and the libraries of packaging/cross
	@packaging/install-dependencies windows
	@packaging/cross/build-dependencies windows >/dev/null
	@cmake --preset windows -DWEIR_BUILD_TESTS=OFF >/dev/null
	@cmake --build build/windows --target weir

test-windows: ## builds for Windows with its tests and runs them under wine
	@packaging/install-dependencies test-windows
	@python3 tests/run.py windows

soak: ## runs fresh seeds of the simulation for ten minutes: make soak ARGS=60 for longer
	@packaging/install-dependencies test
	@[ -f build/release/build.ninja ] && cmake -B build/release -DWEIR_BUILD_TESTS=ON >/dev/null || \
	  cmake --preset release -DWEIR_BUILD_TESTS=ON >/dev/null
	@cmake --build build/release --target weir_test_sim -- --quiet
	@python3 tests/sim/soak.py $(ARGS)

mutate: ## changes the engine a little at random places and lists what no suite notices
	@packaging/install-dependencies test
	@python3 tests/mutate/mutate.py $(ARGS)

bench: ## measures weir beside other proxies, where ../shared/bench exists
	@tests/bench/run $(ARGS)

fuzz: ## fuzzes for a minute per target: make fuzz ARGS=600 for longer
	@packaging/install-dependencies test
	@python3 tests/run.py fuzz --fuzz-seconds $(or $(ARGS),60)

lint: ## clang-format over changed sources, clang-tidy over all
	@packaging/install-dependencies lint
	@python3 tests/style/lint.py $(ARGS)

format: ## formats the sources with clang-format
	@packaging/install-dependencies lint
	@python3 tests/style/lint.py --fix-format

install: build ## copies the binary to $(DESTDIR)$(PREFIX)/bin
	install -D -m 755 build/release/weir $(DESTDIR)$(PREFIX)/bin/weir

clean: ## removes everything that was built
	rm -rf build
