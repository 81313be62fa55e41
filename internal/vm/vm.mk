# The tests on other kernels, in QEMU guests; see docs/testing.md.
#   make test-kernels [KERNEL=6.12|/boot/vmlinuz-… [MODULES=/lib/modules/…]] [RUN=regexp] [PKG=./…]
#   make vm-shell     [KERNEL=6.12|/boot/vmlinuz-… [MODULES=/lib/modules/…]]
#   make peers

# Emulation is ten to twenty times slower than the machine; a package that takes longer than this hangs.
VM_TIMEOUT ?= 15m
# No kernel matters to these packages' tests, or they run the go command, which no guest has.
VM_NOT      = /internal/(graph|testreport|grammar|render|need|btfjson|testobj|pcap|disasm/arm64)$$|/elf/(diff|graph|insn|listing)$$
# A kernel that cannot be fetched is left out, with a line, unless it was asked for, or in CI.
VM_WHICH    = $(if $(KERNEL),-kernel '$(KERNEL)' $(if $(MODULES),-modules '$(MODULES)'),$(if $(CI),,-optional))

# The kernels of test-kernels, the oldest and the newest, which takes twice as long on two cores.
VM_ALL      = 5.10,6.1,6.12,7.3

# Other machines' programs run here, but make no call of bpf(2), and no namespaces.
MACHINES   ?= arm64 s390x
MACHINE_PKG = ./elf/... ./netlink ./internal/btfjson ./internal/btfwire ./internal/classic/... ./internal/disasm/... \
	./internal/grammar ./internal/kernelname ./internal/need ./internal/pcap ./internal/render

.PHONY: test-kernels test-kernels-all test-kernels-docs test-machines vm-shell peers bin/vm

test-kernels: bin/vm ## run the tests on Linux 6.1 and 6.12 (KERNEL, RUN, PKG choose)
	@bin/vm test $(VM_WHICH) $(if $(TABLE),-table $(TABLE)) -- -tags=guest -timeout=$(VM_TIMEOUT) $(if $(value RUN),-run '$(value RUN)') \
		$(or $(PKG),$(shell $(GO) list ./... | grep -v -E '$(VM_NOT)'))

test-kernels-all: ## the same on 5.10 and 7.3, too, which CI has no time for
	@$(MAKE) --no-print-directory test-kernels KERNEL=$(VM_ALL)

test-kernels-docs: ## the same, and what was tested to the table in README.md
	@$(MAKE) --no-print-directory test-kernels KERNEL=$(VM_ALL) TABLE=README.md

test-machines: bin/vm bin/testreport ## run the tests that need no kernel on 64-bit Arm and big-endian s390x (MACHINES, RUN, PKG choose)
	@status=0; for machine in $(MACHINES); do \
		echo "# $$machine"; emulator=$$(bin/vm emulator $$machine) && GOARCH=$$machine bin/testreport -exec "$$emulator" -vet=off \
			$(TESTFLAGS) $(if $(value RUN),-run '$(value RUN)') $(or $(PKG),$(MACHINE_PKG)) || status=1; \
	done; exit $$status

vm-shell: bin/vm ## open a shell in a guest (KERNEL=6.12)
	@bin/vm shell -kernel '$(or $(KERNEL),6.12)' $(if $(MODULES),-modules '$(MODULES)') $(wildcard bin/xdpload)

peers: bin/vm ## fetch the newest ip, tc, bpftool and others, for tests and bench to compare with
	@bin/vm peers

bin/vm:
	@CGO_ENABLED=0 $(GO) -C internal/vm build -trimpath -buildvcs=false -ldflags='-s -w' -o $(CURDIR)/$@ .
