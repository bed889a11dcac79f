# Okienko. The targets that outsiders rely on: run test check bench build.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
GO      ?= go
LISTEN  ?= 127.0.0.1:8080
N       ?= 300
SHARED  ?= $(firstword $(wildcard $(OKIENKO_SHARED) ../shared /work/shared))

STEP    := scripts/step
TOOLS   := build/tools
# Static and the same bytes on every machine: no cgo, no paths, no VCS stamp, no build ID.
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -buildid='
# The tests behind the tag slow, and their packages; the printer's matrix of faults is one of both kinds and
# strikes at every byte here. The crash loop has a step of its own.
SLOWFILES = $$(grep -rlE '^//go:build (.*[^!])?\bslow\b' --include='*_test.go' agent cmd drivers protocol configs)
SLOWTESTS = $$(grep -hoE '^func Test\w+' $(SLOWFILES) drivers/printer/matrix_test.go | sed 's/^func //' | grep -vx TestMain | sort -u | paste -sd'|')
SLOW      = $$(dirname $(SLOWFILES) | sort -u | sed 's|^|./|')

.PHONY: run test check bench build crash clean help setup tools hil \
	test-fast test-slow test-crash test-fuzz check-format check-vet check-lint check-tidy check-dead check-vuln

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: ## the demo on one page, http://127.0.0.1:8080; needs only Go
	@echo "building (the first time takes about a minute) ..." >&2
	@mkdir -p build/bin
	@$(STATIC) -o build/bin/ ./cmd/okienko-demo ./cmd/okienko-agent
	@exec build/bin/okienko-demo --listen $(LISTEN)

build: ## static binaries for amd64, arm64, armv7 and armv6 below build/
	@$(STEP) build-amd64 env GOOS=linux GOARCH=amd64 $(STATIC) -o build/linux-amd64/ ./cmd/...
	@$(STEP) build-arm64 env GOOS=linux GOARCH=arm64 $(STATIC) -o build/linux-arm64/ ./cmd/...
	@$(STEP) build-armv7 env GOOS=linux GOARCH=arm GOARM=7 $(STATIC) -o build/linux-armv7/ ./cmd/...
	@$(STEP) build-armv6 env GOOS=linux GOARCH=arm GOARM=6 $(STATIC) -o build/linux-armv6/ ./cmd/...
	@cd build && sha256sum linux-*/* | tee SHA256SUMS

setup: ## install what the tests need (Debian packages as root or with sudo)
	@$(STEP) setup $(GO) run ./scripts/setup

# Every step runs, also after one that failed, and the last lines say how each ended. The machine of hil
# counts instructions and not seconds, so that it may run beside the crash loop, which waits for disks; and
# the tools are built while setup waits for the network.
test: ## install what the tests need, check, and run every test
	@rm -rf build/log
	@$(MAKE) -j2 setup tools
	@status=0; for targets in check test-fast test-slow "hil test-crash" test-fuzz; do $(MAKE) -k -j2 $$targets || status=1; done; \
	grep -hE '^(step|ok|FAIL|---)' build/log/*.log; exit $$status

test-fast: ## go test -race on everything
	@$(STEP) test-fast $(GO) test -race -timeout 10m ./...

test-slow: ## browser, foreign encoders, a million commands, power cuts, full disks ...
	@$(STEP) test-slow $(GO) test -count=1 -timeout 20m -tags slow -run "^($(SLOWTESTS))$$" -skip '^TestSIGKILL$$' $(SLOW)

hil: ## the agent on a real kernel in QEMU, with a printer, boards, buttons and a sound card that are none
	@$(STEP) hil $(GO) test -count=1 -v -timeout 15m -tags hil ./scripts/hil

test-fuzz: ## every fuzz target, 5 s each, and 20 s what comes from outside every day
	@$(STEP) test-fuzz $(GO) run ./scripts/fuzz -time 5s

test-crash: ## 300 cycles of SIGKILL under load
	@$(STEP) test-crash $(GO) test -count=1 -timeout 30m -tags slow -run '^TestSIGKILL$$' ./cmd/okienko-agent -cycles $(N)

crash: ## the same with as many cycles as you like: make crash N=3000
	@$(STEP) crash $(GO) test -count=1 -timeout 0 -v -tags slow -run '^TestSIGKILL$$' ./cmd/okienko-agent -cycles $(N)

check: tools ## formatting, vet, lint, import rules, docs rules, dead code, known vulnerabilities
	@status=0; $(STEP) repo $(GO) test -count=1 . || status=1; \
	for part in format vet tidy lint dead vuln; do $(STEP) $$part $(MAKE) check-$$part || status=1; done; exit $$status

check-format:
	@out=$$(git ls-files -co --exclude-standard '*.go' ':!*/testdata/*' | xargs $(TOOLS)/gofumpt -l); \
	if [ -n "$$out" ]; then echo "not formatted, run $(TOOLS)/gofumpt -w on:"; echo "$$out"; exit 1; fi

check-vet:
	@$(GO) vet -tags slow,hil ./...
	@GOOS=linux GOARCH=arm GOARM=6 CGO_ENABLED=0 $(GO) vet ./...
	@$(GO) fix -diff ./...

check-tidy:
	@$(GO) mod tidy -diff
	@$(GO) mod verify >/dev/null

check-lint:
	@$(TOOLS)/golangci-lint run ./...
	@$(GO) test -count=1 -tags lint ./scripts/lintcheck

check-dead:
	@out=$$($(TOOLS)/deadcode -test -tags slow,hil ./...); \
	if [ -n "$$out" ]; then echo "nobody calls:"; echo "$$out"; exit 1; fi

# The one check that may have to go without its data: the database is not part of the repository.
check-vuln:
	@if [ -f "$(SHARED)/vulndb/db.tgz" ]; then \
		mkdir -p build/vulndb && tar xzf "$(SHARED)/vulndb/db.tgz" -C build/vulndb && \
		$(TOOLS)/govulncheck -db "file://$$PWD/build/vulndb/db" ./...; \
	else echo "NOT CHECKED for known vulnerabilities: no database at ../shared/vulndb (set OKIENKO_SHARED)"; fi

# The tools of scripts/tools/go.mod, built once for each version of that file.
tools: $(TOOLS)/.built

$(TOOLS)/.built: scripts/tools/go.mod scripts/tools/go.sum
	@mkdir -p $(TOOLS)
	@$(STEP) tools env CGO_ENABLED=0 GOBIN=$(CURDIR)/$(TOOLS) $(GO) install -C scripts/tools -trimpath tool
	@touch $@

bench: ## the figures of the project as ratios, with their goals beside
	@$(STEP) bench-engine $(GO) test -run '^$$' -bench . -benchmem -count 3 -timeout 20m ./agent/engine
	@$(STEP) bench-rest $(GO) test -run '^$$' -bench . -benchmem -timeout 20m ./agent/journal ./drivers/escpos ./cmd/okienko-agent
	@cat build/log/bench-engine.log build/log/bench-rest.log > build/bench.txt
	@$(GO) run ./scripts/benchtable build/bench.txt

clean: ## remove what was built
	@rm -rf build
