# `make help` lists the commands. Everything builds with the release configuration.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SWIFT_BUILD := swift build -c release --disable-sandbox
# The same flags as the build, so that neither makes the other start again: tests reach into modules by `package` access.
SWIFT_TEST := swift test -c release --disable-sandbox --disable-testable-imports
PROGRAM := .build/release/zoetrope
DEMO ?= .build/demo
INPUTS ?= 1000000
SEED ?= 1

.PHONY: help setup build demo test test-peers test-slurm test-deploy test-monitoring pictures check fuzz fuzz-frames model chaos soak bench release install deb clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install what is needed from Debian; nothing when all is there
	@scripts/setup

build: setup  ## Build the program: .build/release/zoetrope
	$(SWIFT_BUILD) --product zoetrope

demo: build  ## Make the motion data, train on it with one coordinator and two workers, test, print the accuracy
	scripts/demo $(PROGRAM) $(DEMO)

# Tests of real sockets and processes have deadlines, and one measures the process's memory: they run one after another when
# no other test wants the processors.
REAL_TIME := ^(AcquisitionTests\.|ClusterTests\.|DashboardTests\.|ProtocolTests\.|CheckpointsTests\.MemoryTests
REAL_TIME := $(REAL_TIME)|CurationTests\.(SharedPack|CheckTests)|EvaluationTests\.(ClusterCosts|TestLeases)|FoundationsTests\.TCPRelay)
test: check  ## Check, build and run every test that needs nothing but Debian and Swift
	@scripts/setup test
	scripts/failures-last $(SWIFT_TEST) --skip '$(REAL_TIME)'
	scripts/failures-last $(SWIFT_TEST) --skip-build --no-parallel --filter '$(REAL_TIME)'

test-peers: build  ## Check files and exported networks against PyTorch, NumPy, onnxruntime (downloads them from PyPI)
	scripts/test-peers $(PROGRAM)

test-slurm: build  ## Train under a real Slurm on this machine: signals, lost and added nodes, the time limit
	@scripts/setup slurm
	scripts/test-slurm $(PROGRAM)

test-monitoring: build  ## A real Prometheus scrapes a run; a worker is killed; the alert fires (apt-get install prometheus)
	scripts/test-monitoring $(PROGRAM)

pictures: build  ## Take the pictures in docs/pictures anew: the page in headless Chromium (apt-get install chromium pngquant)
	[ -e $(DEMO)/data/dataset.toml ] || $(PROGRAM) data synth --out $(DEMO)/data --classes 8 --clips-per-class 80 --seconds 2 --size 64 --seed 1
	scripts/pictures $(PROGRAM) $(DEMO)/data

check: setup  ## Format, warnings as errors, instruction sets that must not leak into each other
	swift format lint --strict --recursive Package.swift Sources Tests
	$(SWIFT_BUILD)
	scripts/check-instruction-sets

fuzz: setup  ## Give every checkpoint reader INPUTS damaged files (SEED=1), with the address sanitizer
	swift build -c release --disable-sandbox --sanitize=address --scratch-path .build/fuzz --product fuzz-checkpoints
	.build/fuzz/release/fuzz-checkpoints $(INPUTS) $(SEED)

model:  ## Check the model of commit, promotion and fencing with spin (apt-get install spin), planted mistakes included
	Tests/Model/check.sh

chaos: build  ## Real processes under faults: all cases, CASES="1 coordinator-killed", or MINUTES=20 with a kill every 15 s; SEED=1
	$(SWIFT_BUILD) --product chaos
	.build/release/chaos --seed $(SEED) $(if $(MINUTES),--minutes $(MINUTES),$(CASES))

soak: setup  ## Simulated clusters under faults for MINUTES=60, from SEED=1 on, at most SEEDS
	SOAK_MINUTES=$(or $(MINUTES),60) SOAK_SEED=$(SEED) SOAK_SEEDS=$(SEEDS) $(SWIFT_TEST) --filter '^SimulationTests\.SoakTests'

fuzz-frames: setup  ## Give the decoders of the cluster's protocol INPUTS damaged frames (SEED=1), with the address sanitizer
	swift build -c release --disable-sandbox --sanitize=address --scratch-path .build/fuzz --product fuzz-frames
	.build/fuzz/release/fuzz-frames $(INPUTS) $(SEED)

bench: build  ## Time the kernels and a training step on this machine
	$(PROGRAM) bench kernels
	$(PROGRAM) bench step --model torchvision/r2plus1d_18 --batch 2 --frames 8 --size 112 --threads 2

release: setup  ## Build one file that runs without Swift installed: .build/release/zoetrope
	$(SWIFT_BUILD) --product zoetrope --static-swift-stdlib -Xlinker -s

PREFIX ?= /usr/local
install: release  ## Install program, manual, completions and recipes into PREFIX=/usr/local (DESTDIR= before it)
	@scripts/setup install
	DESTDIR=$(DESTDIR) scripts/install $(PROGRAM) $(PREFIX)

deb: release  ## Make a Debian package of it: .build/zoetrope_VERSION_ARCH.deb
	@scripts/setup deploy
	scripts/make-deb $(PROGRAM) .build

test-deploy: release  ## Check units with systemd-analyze, manifests with Kubernetes' schemas (from PyPI), the package with lintian
	@scripts/setup deploy
	scripts/test-deploy $(PROGRAM)

clean:  ## Remove what was built, and the demo's data and runs
	rm -rf .build
