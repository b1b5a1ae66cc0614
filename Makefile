# KernelBypass. As root on Debian 12 with the .NET 10 SDK:
#   make run    installs what is missing, builds, and runs the switch between two network namespaces
#   make test   installs what is missing, builds, and passes every test
SHELL := /bin/bash
CONFIGURATION ?= Release
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.PHONY: help run test bench build native managed deps deps-test deps-bench format format-check clean install uninstall

help:
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: deps build ## build and run the embedded default: two hosts, the switch between them (Ctrl-C ends it)
	@deploy/demo/run.sh

test: deps-test format-check build ## build and run every test; the last line is "N passed, N failed"
	@tests/run.sh $(TESTS)

bench: deps-bench build ## measure against dpdk-testpmd and OVS-DPDK; writes docs/performance.md and artifacts/bench.json
	@tests/Bench/run.sh $(BENCH)

build: native managed ## build everything; the programs are in artifacts/publish
	@deploy/publish.sh --no-build

native: deps
	@native/build.sh

managed: native
	@dotnet build KernelBypass.sln -c $(CONFIGURATION) -v quiet --nologo -nodeReuse:false
	@dotnet build-server shutdown --vbcscompiler >/dev/null

deps:
	@deploy/deps.sh build run

deps-test:
	@deploy/deps.sh build run test

deps-bench:
	@deploy/deps.sh build run bench

format: ## rewrite white space as .editorconfig says
	@dotnet format whitespace KernelBypass.sln --no-restore

format-check: ## fail if white space is not as .editorconfig says
	@dotnet restore KernelBypass.sln -v quiet --nologo
	@dotnet format whitespace KernelBypass.sln --no-restore --verify-no-changes

install: build ## install binaries, units and configuration (PREFIX=/usr/local)
	@deploy/install.sh install

uninstall: ## undo install
	@deploy/install.sh uninstall

clean: ## remove what build made
	@rm -rf artifacts
	@find src tests -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
