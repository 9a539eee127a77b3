# uringspawn: the whole build, in one make process.  `make help` says what it can do.
# Any variable set here with ?= can be set on the command line or in config.mk.
#
# A folder is a component: its sources are what lies in it, and a folder that is
# not there adds nothing.

-include config.mk

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG      ?= clang
INSTALL    ?= install
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

# As many jobs as processors, unless make was told a number.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

VERSION := $(shell sed -n 's/.*USP_VERSION "\(.*\)"/\1/p' include/uringspawn/version.h)
SOVER   := $(firstword $(subst ., ,$(VERSION)))

# --- variants: each has a build folder of its own, so they never mix ---------
# make SAN=address,undefined | make SAN=thread | make COV=1 | make OPT=-O0

comma   := ,
VARIANT := $(or $(subst $(comma),-,$(SAN)),$(if $(COV),coverage),release)
B       := build/$(VARIANT)
OPT     ?= -O2
variant_flags = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(if $(COV),--coverage)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wconversion -Wno-sign-conversion -Wvla -Wformat=2 -Wimplicit-fallthrough
CFLAGS ?= -g $(OPT)

cppflags  = -D_GNU_SOURCE -Iinclude -iquote src $(CPPFLAGS)
cflags    = -std=gnu17 $(WARN) $(if $(WERROR),-Werror) -fPIC -fvisibility=hidden $(variant_flags) $(CFLAGS)
ldflags   = $(variant_flags) $(LDFLAGS)
lib_libs  := -luring -lpthread
test_libs := $(lib_libs) -ljansson

# --- what is made of what: a folder is a component ---------------------------

sources = $(sort $(foreach d,$(1),$(wildcard $d/*.c $d/*.S)))
objects = $(patsubst %,$B/%.o,$(basename $(call sources,$(1))))
# One program for each source of a folder.
programs = $(patsubst %.c,$B/%,$(call sources,$(1)))

lib_dirs := $(addprefix src/,base sys api wire reactor launch process engine pool client)

lib_obj     := $(call objects,$(lib_dirs))
daemon_obj  := $(call objects,src/daemon)
cli_obj     := $(call objects,src/cli)
demo_obj    := $(call objects,tools/demo)
trace_obj   := $(call objects,tools/uringspawn-trace)
support_obj := $(call objects,tests/support)
unit_obj    := $(call objects,tests/unit)
fault_obj   := $(call objects,tests/fault)
integration_obj := $(call objects,tests/integration)
trace_test_obj  := $(call objects,tests/trace)

# The tracer, where there is what BPF programs are built with: never required.
BPFTOOL     ?= $(firstword $(shell command -v bpftool) $(wildcard /usr/sbin/bpftool))
bpf_arch    := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
have_libbpf := $(shell echo '\#include <bpf/libbpf.h>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
trace_lacks := $(strip $(if $(shell command -v $(CLANG)),,clang) $(if $(BPFTOOL),,bpftool) \
	$(if $(have_libbpf),,libbpf-dev))
trace_skel  := $B/gen/spawn_trace.skel.h
tracer      := $(if $(trace_obj),$(if $(trace_lacks),,$B/uringspawn-trace))

lib_a    := $B/liburingspawn.a
lib_so   := $B/liburingspawn.so.$(VERSION)
lib_link := $B/liburingspawn.so.$(SOVER) $B/liburingspawn.so
bins     := $(if $(cli_obj),$B/uringspawn) $(if $(daemon_obj),$B/uringspawnd) $(tracer)
headers  := $(wildcard include/uringspawn/*.h)
man_src  := $(wildcard docs/man/*.scd)
man      := $(if $(shell command -v scdoc),$(man_src:docs/man/%.scd=$B/man/%))

unit_tests        := $(if $(unit_obj),$B/tests/unit-tests)
fault_tests       := $(if $(fault_obj),$B/tests/fault-tests)
integration_tests := $(if $(integration_obj),$B/tests/integration-tests)
trace_tests       := $(if $(trace_test_obj),$B/tests/trace-tests)
thread_tests      := $(call programs,tests/threads)
examples          := $(call programs,docs/examples)
fuzzers           := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))
child_programs    := $(call programs,tests/programs)
bench_fair        := $B/tools/bench/fair
bench_obj         := $(call objects,tools/bench)
# A server on the engine, one of the bench's peers.
bench_engine      := $B/tools/bench/peers/engine/server
bench_engine_obj  := $(call objects,tools/bench/peers/engine)

# The addon of the Node client, where node's headers are: never required.
NODE_INCLUDE ?= $(firstword $(patsubst %/node_api.h,%,$(wildcard \
	$(patsubst %/bin/node,%/include/node/node_api.h,$(realpath $(shell command -v node))) \
	$(patsubst %/bin/node,%/include/node/node_api.h,$(shell command -v node)) \
	/usr/include/node/node_api.h)))
addon_obj    := $(call objects,clients/node/addon)
bench_clock  := $B/bench_clock.node
addon        := $(if $(wildcard $(NODE_INCLUDE)/node_api.h),$(if $(addon_obj),$B/uringspawn.node))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
force:
.PHONY: force all lib addon trace man programs help demo bench bench-node bench-trace soak soak-node soak-pools clean

all: lib $(bins) addon trace man ## build the library, the daemon and the command line
addon: $(addon)
	$(if $(addon_obj),$(if $(addon),,@echo "  SKIP    uringspawn.node: there is no node_api.h (NODE_INCLUDE=)"))
trace: $(tracer)
	$(if $(trace_lacks),@echo "  SKIP    uringspawn-trace: there is no $(trace_lacks)")
man: $(man)
	$(if $(man),,@echo "  SKIP    man pages: there is no scdoc")
lib: $(lib_a) $(lib_so) $(lib_link) $B/liburingspawn.pc
programs: $(child_programs)

# --- how ---------------------------------------------------------------------

Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

$B/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

$B/%.o: %.S
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

# What runs between clone and exec runs in its parent's memory: an instrumented
# child would write over the sanitizer's and the profiler's state of the parent.
$B/src/launch/child% $B/src/sys/clone% $B/src/sys/raw% $B/src/cli/bench_clone%: variant_flags :=

# One relinked object with hidden names made local: what an embedder links has
# no symbol but the public ones.
$(lib_a): $(lib_obj)
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(@:.a=.o) $^
	$(Q)objcopy --localize-hidden $(@:.a=.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $(@:.a=.o)

$(lib_so): $(lib_obj) tools/liburingspawn.map
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -shared -Wl,-soname,liburingspawn.so.$(SOVER) \
		-Wl,--version-script=tools/liburingspawn.map -o $@ $(lib_obj) $(lib_libs) $(LDLIBS)

$(lib_link): $(lib_so)
	$(Q)ln -sf $(notdir $(lib_so)) $@

# Made anew each time, since PREFIX may differ.
$B/liburingspawn.pc: tools/liburingspawn.pc.in force
	$(Q)mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $< > $@

$B/uringspawn: $(cli_obj) $(lib_obj)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) -ljansson $(LDLIBS)

$B/uringspawnd: $(daemon_obj) $(lib_obj)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) $(LDLIBS)

$B/man/%: docs/man/%.scd
	$(call say,MAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)scdoc < $< > $@

# CO-RE: needs nothing of the kernel that it is built on.
bpf_flags = -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(bpf_arch) -D__VMLINUX_H__ \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch) \
	-Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror)

$B/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -MMD -MP -c -o $@ $<

# Linking drops what is for debuggers only.
$B/gen/%.skel.h: $B/bpf/%.bpf.o
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen object $(<:.bpf.o=.linked.o) $<
	$(Q)$(BPFTOOL) gen skeleton $(<:.bpf.o=.linked.o) name $* > $@

$(filter $B/tools/uringspawn-trace/probe%.o,$(trace_obj)): $(trace_skel)
$B/tools/uringspawn-trace/%.o: cppflags += -iquote tools -iquote . -isystem $B/gen
trace_use := $(addprefix $B/src/,cli/option.o)
$B/uringspawn-trace: $(trace_obj) $(trace_use) $(lib_a)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) -lbpf -ljansson $(LDLIBS)

# Its napi_ and uv_ functions are the runtime's that loads it.
$B/clients/node/addon/%.o: cppflags += -isystem $(NODE_INCLUDE) -iquote clients/node/addon
$B/uringspawn.node: $(addon_obj)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -shared -o $@ $^ $(LDLIBS)

$B/clients/node/bench/%.o: cppflags += -isystem $(NODE_INCLUDE)
$(bench_clock): $B/clients/node/bench/clock.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -shared -o $@ $^ $(LDLIBS)

$B/demo: $(demo_obj) $(lib_a)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) $(LDLIBS)

# --- test programs -----------------------------------------------------------

# Criterion's own macros narrow an int.
$B/tests/%.o: cppflags += -iquote tests -DBUILD_DIR='"$(abspath $B)"'
$B/tests/%.o: cflags += -Wno-conversion
# Archives, so that each test program takes only what it calls.
under_test := $B/tests/libsupport.a $B/tests/libtested.a

$B/tests/libsupport.a: $(support_obj)
$B/tests/libtested.a: $(filter-out %/main.o,$(lib_obj) $(daemon_obj) $(cli_obj))
$(under_test):
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$B/tests/unit-tests: $(unit_obj) $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) -lcriterion $(LDLIBS)

# The linker puts tests/support/fault.c before each function that it names.
$B/tests/wrap.txt: tests/support/fault_points.h
	$(Q)mkdir -p $(@D)
	$(Q)sed -n 's/^FAULT_[A-Z]*([^,]*, *\([a-z0-9_]*\),.*/-Wl,--wrap=\1/p' $< > $@

$B/tests/fault-tests: $(fault_obj) $(under_test) $B/tests/wrap.txt
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $(filter-out %.txt,$^) @$B/tests/wrap.txt $(test_libs) -lcriterion $(LDLIBS)

$B/tests/integration-tests: $(integration_obj) $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) -lcriterion $(LDLIBS)

# What of the tracer needs neither libbpf nor a kernel.
trace_pure := $(addprefix $B/tools/uringspawn-trace/,function.o histogram.o record.o failure.o privilege.o)
$B/tests/trace/%.o: cppflags += -iquote tools -iquote .
$B/tests/trace-tests: $(trace_test_obj) $(trace_pure) $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) -lcriterion -lm $(LDLIBS)

$(thread_tests): %: %.o $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) $(LDLIBS)

$(examples): %: %.o $(lib_a)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) $(LDLIBS)

$B/tools/bench/%.o: cppflags += -iquote tests
$(bench_fair): $(bench_obj) $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) $(LDLIBS)

$(bench_engine): $(bench_engine_obj) $(lib_a)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(lib_libs) $(LDLIBS)

$(fuzzers): %: %.o $B/tests/fuzz/onefile.o $(under_test)
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(test_libs) $(LDLIBS)

# Children to run: small and static, never instrumented, so that they start fast.
$(child_programs): $B/%: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) -O2 -static $(tiny) -o $@ $< 2>/dev/null || \
		$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) -O2 -o $@ $<

# One of them without even a C library, where its source knows how.
$B/tests/programs/true: tiny = -DTINY -nostdlib
$B/tests/programs/flood: tests/programs/pattern.h

all_obj := $(lib_obj) $(daemon_obj) $(cli_obj) $(demo_obj) $(addon_obj) $(bench_obj) $(bench_engine_obj) $B/clients/node/bench/clock.o $(support_obj) $(unit_obj) \
	$(fault_obj) $(integration_obj) $(trace_obj) $(trace_test_obj) $(addsuffix .o,$(thread_tests) $(examples) $(fuzzers)) \
	$B/tests/fuzz/onefile.o
-include $(all_obj:.o=.d) $B/bpf/spawn_trace.bpf.d

# --- checks ------------------------------------------------------------------

.PHONY: format check check-release check-client check-node check-trace check-one check-build check-threads check-sum lint fuzz-replay fuzz \
	fuzz-build coverage

FILTER  ?=
TALLY   ?= build/tally
# Every suite that runs an engine is run for each.
BACKENDS ?= uring epoll
one     := $(MAKE) TALLY=$(TALLY)
run      = tests/run $(TALLY) $B

# Every variant is run, whatever the one before said, and one line sums them up.
check: ## every test, plain and under sanitizers (FILTER='wire/*' for some)
	@mkdir -p build && rm -f $(TALLY)
ifneq ($(SAN)$(COV),)
	+@$(one) check-one || tests/run --broken $(TALLY) $(VARIANT)
else
	+@$(one) check-one || tests/run --broken $(TALLY) release
	+@$(one) SAN=address,undefined check-one || tests/run --broken $(TALLY) address-undefined
	$(if $(FILTER),,+@$(one) SAN=thread check-threads || tests/run --broken $(TALLY) thread)
endif
	@tests/run --sum $(TALLY)

check-release: ## every test, plain
	@mkdir -p build && rm -f $(TALLY)
	+@$(one) check-one || tests/run --broken $(TALLY) release
	@tests/run --sum $(TALLY)

# One by one: they compare times.
trace_run = LIMIT=600 CRITERION_JOBS=1 $(run) criterion trace $(trace_tests) '$(FILTER)'

check-trace: all programs $(trace_tests) ## the tracer's tests alone
	@mkdir -p build && rm -f $(TALLY)
	@$(trace_run)
	@tests/run --sum $(TALLY)

check-build: all programs $(unit_tests) $(fault_tests) $(integration_tests) $(trace_tests) $(thread_tests) \
	$(examples) $(fuzzers) $(bench_fair) $(bench_engine)

# FILTER leaves only the suites that know test names.
check-one: check-build
	@for b in $(BACKENDS); do export URINGSPAWN_BACKEND=$$b; \
	$(if $(unit_tests),$(run) criterion $$b/unit $(unit_tests) '$(FILTER)';) \
	$(if $(fault_tests),$(run) criterion $$b/fault $(fault_tests) '$(FILTER)';) \
	$(if $(integration_tests),$(run) criterion $$b/integration $(integration_tests) '$(FILTER)';) \
	done
	$(if $(trace_tests),@$(trace_run))
ifeq ($(FILTER),)
	@for b in $(BACKENDS); do for t in $(thread_tests); do \
		URINGSPAWN_BACKEND=$$b $(run) plain $$b/threads/$${t##*/} $$t; done; done
	$(if $(SAN),,@$(run) tap api tests/api/headers)
	$(if $(SAN)$(COV),,$(if $(wildcard README.md),@$(run) tap readme tests/readme))
	$(if $(SAN)$(COV),,@$(run) tap man tests/man $B $(man_src))
	$(if $(SAN)$(COV),,@$(run) tap completions tests/completions $B)
	$(if $(SAN)$(COV),,@$(run) tap services tests/services $B)
	$(if $(SAN)$(COV),,@LIMIT=900 $(run) tap packages tests/packages $B)
	$(if $(SAN)$(COV),,@$(run) tap operations tests/operations $B)
	$(if $(SAN)$(COV),,@$(run) tap bench tools/bench/test/run)
	$(if $(SAN)$(COV),,+@$(one) check-client)
	@for b in $(BACKENDS); do URINGSPAWN_BACKEND=$$b $(run) tap $$b/embedding \
		node --test-reporter=./clients/node/test/support/reporter.js tests/embedding.test.js $(bench_engine); done
	$(if $(examples),@$(run) tap examples tests/examples $B $(examples))
	@for t in $(fuzzers); do $(run) plain fuzz/$${t##*/} tests/replay $$t; done
endif

# By each way of a transport on each back end, and by each other runtime that npm has.
check-client: check-build
	@for b in $(BACKENDS); do export URINGSPAWN_BACKEND=$$b; \
		$(run) tap $$b/client clients/node/test/run; \
		URINGSPAWN_ADDON=0 $(run) tap $$b/client-without-addon clients/node/test/run; done
	@LIMIT=900 $(run) tap client/runtimes clients/node/test/runtimes build/node

check-node: ## the Node client's tests alone
	@mkdir -p build && rm -f $(TALLY)
	+@$(one) check-client
	@tests/run --sum $(TALLY)

check-threads: programs $(thread_tests)
	@for b in $(BACKENDS); do for t in $(thread_tests); do \
		URINGSPAWN_BACKEND=$$b $(run) plain $$b/threads/$${t##*/} $$t; done; done

fuzz-replay: $(fuzzers) ## run every fuzz target over its corpus
	$(Q)for t in $^; do tests/replay $$t || exit 1; done

# libFuzzer brings the main function, so each target is linked without onefile.c.
fuzz: ## look for new inputs with clang's fuzzer, TIME=60 seconds per target
	$(Q)$(MAKE) CC=$(CLANG) SAN=address,undefined,fuzzer-no-link VARIANT=fuzz fuzz-build
	$(Q)for t in $(notdir $(fuzzers)); do \
		mkdir -p build/fuzz/corpus/$$t && build/fuzz/tests/fuzz/$$t.fuzzer \
			-max_total_time=$(or $(TIME),60) -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$t tests/fuzz/corpus/$${t#fuzz_} || exit 1; done

fuzz-build: $(fuzzers:%=%.fuzzer)
%.fuzzer: %.o $(under_test)
	$(Q)$(CC) -fsanitize=address,undefined,fuzzer $(LDFLAGS) -o $@ $^ $(test_libs) $(LDLIBS)

coverage: ## lines run by the tests, for each file of src/
	$(Q)$(MAKE) COV=1 check
	$(Q)tools/coverage build/coverage

lint: lib ## layers, exported names, documents, formatting, thread roles
	$(Q)tools/check-layers src/LAYERS src
	$(Q)tools/check-layers tools/LAYERS tools
	$(Q)tools/check-symbols $(lib_so) $(lib_a) src
	$(Q)tools/check-docs
	$(Q)! grep -rnE '[( ]gt\([a-z0-9]+,' tests || \
		{ echo "Criterion 2.4.1: gt() holds for equal values; write lt() the other way round"; exit 1; }
	$(Q)tools/check-format
	$(Q)tools/check-threads $(CLANG) $(cppflags)
	$(Q)for f in .ci/run tests/run $$(grep -lI '^#!/bin/.*sh' tools/* tools/bench/* tools/bench/*/* \
		tests/* tests/api/* 2>/dev/null); do \
		sh -n $$f || exit 1; done

format: ## let clang-format rewrite the sources
	$(Q)tools/check-format --fix

# --- to look at ----------------------------------------------------------------

demo: all $B/demo ## start a daemon, launch 10,500 programs, print a table
	$(Q)USP_BUILD=$(abspath $B) $B/demo

bench: all programs $(bench_fair) $(bench_engine) $(if $(addon),$(bench_clock)) ## next to other runtimes and to bare loops, in one run: build/bench/report.md (QUICK=1, ARGS=)
	$(Q)tools/bench/run $B $(if $(QUICK),--quick) $(ARGS)

soak: all programs $(integration_tests) ## JOBS=1000000 through a daemon: does anything grow?
	$(Q)SOAK_JOBS=$(or $(JOBS),1000000) $(integration_tests) --filter 'soak/*'

bench-node: all programs $(if $(addon),$(bench_clock)) ## the Node client next to node:child_process, in one run
	$(Q)mkdir -p build/bench
	$(Q)BENCH_PROGRAM=$(abspath $B)/tests/programs/true BENCH_CLOCK=$(abspath $(bench_clock)) \
		BENCH_LAUNCHER=$(abspath $B)/uringspawn \
		node clients/node/bench/run.js --rounds $(or $(ROUNDS),5) --json build/bench/node.json

bench-trace: all programs ## what tracing costs, and what it shows of a Node server with 1 GB in memory
	$(Q)tools/bench/trace/overhead $B $(ROUNDS)
	$(Q)node tools/bench/trace/node.js --build $(abspath $B)

soak-node: all programs ## 100,000 spawns in one node: does anything grow?
	$(Q)BENCH_PROGRAM=$(abspath $B)/tests/programs/true node --expose-gc clients/node/bench/soak.js $(JOBS)

soak-pools: all ## JOBS=100000 requests to pools whose workers fail in every way: is each answer right?
	$(Q)URINGSPAWN_DAEMON=$(abspath $B)/uringspawnd $(if $(addon),URINGSPAWN_ADDON=$(abspath $(addon))) \
		node clients/node/bench/soak_pools.js $(JOBS)

# --- install, packages ---------------------------------------------------------

include tools/install.mk

clean: ## remove build/
	rm -rf build

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(filter Makefile %/install.mk,$(MAKEFILE_LIST))
	@echo "  variants: SAN=address,undefined  SAN=thread  COV=1   also: V=1 WERROR=1 FILTER= TIME="
