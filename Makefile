# `make help` lists the targets. GNU make, Go and nothing else are needed to build;
# root to run the demo and the tests that need a kernel.

GO       ?= go
PREFIX   ?= /usr/local
FUZZTIME ?= 30s
# Options of bench, such as -json or -case='^tc'; -help lists them.
BENCHFLAGS ?=
# What urfave/cli can do without: its generators of documents, and guesses at commands.
TAGS      = urfave_cli_no_docs,urfave_cli_no_suggest
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# The tests of one package may take this long; on two cores all of them take a fraction of it.
TIMEOUT   = 20m
TESTFLAGS = -count=1 -timeout=$(TIMEOUT)
# The modules that are checked: what only tests and measurements need is not in the library's.
GOMODULES = . internal/bench internal/vm
LINT      = $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod golangci-lint
each      = $(foreach module,$(GOMODULES),(cd $(module) && $1) &&) true
DATADIR   = $(DESTDIR)$(PREFIX)/share

export CGO_ENABLED = 0

.DEFAULT_GOAL := build
.PHONY: help build demo test bin/testreport fresh race check vet skips lint rules generated cross generate fixtures bench bench-docs bench-go bench-peers fuzz install clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## build bin/xdpload, static
	$(GO) build -trimpath -buildvcs=false -tags=$(TAGS) -ldflags='-s -w -X main.version=$(VERSION)' -o bin/xdpload ./cmd/xdpload

bin/xdpload:
	$(MAKE) build

demo: ## attach a program to a veth pair of its own and show it at work (root)
	$(GO) run ./examples/demo

test: bin/testreport ## run all tests, name what was skipped and what failed; then on other kernels
	@bin/testreport $(GOMODULES:%=-C %) $(TESTFLAGS) ./...
	@$(MAKE) --no-print-directory test-kernels

bin/testreport: # go run would have the last word
	@$(GO) build -buildvcs=false -o $@ ./internal/testreport

fresh: ## run the README's commands in a fresh Debian, made by debootstrap (root)
	@internal/tools/fresh.sh

race: ## run the tests under the race detector (needs a C compiler)
	$(call each,CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) ./...)

check: vet lint rules generated cross ## vet, lint, test the lint rules, generated files, other machines

vet:
	$(call each,$(GO) vet ./...)
	$(GO) -C internal/tools vet ./...

skips: ## name tests that are skipped other than by need.Of: a part of lint
	$(call each,$(LINT) run --allow-serial-runners --enable-only=forbidigo ./...)

lint: ## run golangci-lint
	$(LINT) config verify
	$(call each,$(LINT) run --allow-serial-runners ./...)
	cd internal/tools && $(GO) tool golangci-lint run --allow-serial-runners ./...

rules: ## plant one violation of every lint rule in a scratch tree and see it named
	$(GO) -C internal/tools test -count=1 -timeout=$(TIMEOUT) ./...

generated: ## generate everything anew in a scratch tree and name the files that differ
	@internal/tools/generated.sh

cross: ## build for other machines: 64-bit Arm, a big-endian one, and elf where there is no BPF
	$(call each,GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./...)
	$(call each,GOOS=linux GOARCH=s390x $(GO) vet ./...)
	GOOS=darwin $(GO) build ./elf/...
	GOOS=windows $(GO) build ./elf/...

generate: ## write the man pages, the command reference and the completions anew
	$(GO) generate ./cmd/...

fixtures: ## compile the BPF objects of the tests anew (needs clang)
	$(GO) generate ./internal/testobj/... ./internal/disasm/...
	cmd/xdpload/internal/netcmd/bpf/build.sh
	$(GO) -C internal/bench generate .

bench: build ## compare speed and memory with ip, tc, bpftool and xdp-loader (root)
	$(GO) -C internal/bench run . $(BENCHFLAGS)

bench-docs: build ## the same, written to docs/performance.svg and the table of docs/performance.md (root)
	$(GO) -C internal/bench run . -json $(BENCHFLAGS) >bin/bench.json
	$(GO) -C internal/bench run ./chart $(CURDIR)/docs/performance.svg $(CURDIR)/docs/performance.md <bin/bench.json

bench-go: ## compare the Go benchmarks with those of BASE (HEAD), by benchstat; PACKAGES names some
	@internal/tools/bench-go.sh $(or $(BASE),HEAD) $(PACKAGES)

bench-peers: ## install what bench compares with, by apt (root)
	apt-get install -y --no-install-recommends iproute2 bpftool xdp-tools strace gcc libc6-dev

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@$(GO) test -list='^Fuzz' ./... | \
	awk '/^Fuzz/ { fuzz[n++] = $$1 } /^ok/ { while (n > 0) print $$2, fuzz[--n] }' | \
	while read -r package target; do \
		echo "$$package $$target"; \
		$(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x "$$package" </dev/null || exit 1; \
	done

install: bin/xdpload ## install binary, man pages and completions under DESTDIR and PREFIX
	install -D -m 755 bin/xdpload $(DESTDIR)$(PREFIX)/bin/xdpload
	install -d $(DATADIR)/man/man8
	install -m 644 docs/man/*.8 $(DATADIR)/man/man8
	install -D -m 644 docs/completions/xdpload.bash $(DATADIR)/bash-completion/completions/xdpload
	install -D -m 644 docs/completions/xdpload.zsh $(DATADIR)/zsh/site-functions/_xdpload
	install -D -m 644 docs/completions/xdpload.fish $(DATADIR)/fish/vendor_completions.d/xdpload.fish

clean: ## remove what build made
	rm -rf bin

.PHONY: test-beside
test-beside: bin/testreport ## run all tests twice at the same time, and once beside another user of BPF (root)
	@internal/tools/beside.sh bin/testreport $(GOMODULES:%=-C %) $(TESTFLAGS) ./...

-include internal/vm/vm.mk
