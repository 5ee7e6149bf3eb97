# TurboHTTP. What is longer than a line or two lives in build/*.sh; what is built lies in build/out/.
#   V=1        show what the tests print        SECONDS=20   how long (gchost, soak, bench, fuzz)
#   ONLY=part  of soak and bench: names that contain it; of test: check go c cli sanitize fuzz hosts soak
.PHONY: menu setup all tests contrast demo test matrix check gchost soak bench fuzz gen gen-check clean
MAKEFLAGS += --no-print-directory
out := build/out

menu:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s'|'

setup: ## install what building and testing need (as root or with sudo)
	@build/setup.sh

all: setup ## libturbohttp.so, its headers and turbo, the command-line client, in build/out
	@build/library.sh
	@build/cli.sh

demo: all ## a C host talks to nginx; watch what it allocates
	@examples/demo.sh

test: setup ## everything that proves it, in a pairwise choice of modes
	@build/test.sh

matrix: setup ## the same in every combination of modes
	@MATRIX=1 build/test.sh

check: all ## vet, staticcheck, formats, headers, floors, generated files
	@build/check.sh

gchost: all tests $(if $(CONTRAST),contrast) ## hosts with a collector (CONTRAST=goexport or noguard: the crashes that it avoids)
	@capi/ctest/gchost.sh $(HOSTS)

soak: all ## what steady traffic allocates
	@bench/soak.sh

bench: all tests ## CPU per request beside libcurl, wrk and bare epoll
	@bench/bench.sh

fuzz: setup ## every fuzz target, and random calls at the ABI, for SECONDS each
	@build/fuzz.sh

gen: setup ## generated files anew
	@build/gen.sh

gen-check: setup ## are the committed generated files what gen makes?
	@build/gen.sh check

clean: ## remove what was built, not the tools
	rm -rf $(out)

# ---- For the tests: their server, a program for each capi/ctest/test_*.c, the hosts ----------------------------
programs := $(patsubst capi/ctest/%.c,$(out)/ctest/%,$(wildcard capi/ctest/test_*.c capi/ctest/gchost.c))
hosts    := $(patsubst capi/ctest/%.cs,$(out)/cs/%.exe,$(wildcard capi/ctest/*.cs))

tests: $(programs) $(hosts) all
	@build/library.sh tests

contrast: all
	@build/library.sh contrast

# Linker flags of a program's own: "// build: -lgc" in one of its first lines.
$(out)/ctest/%: capi/ctest/%.c $(wildcard capi/ctest/*.h) $(wildcard include/*.h) | all
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -g -Wall -Wextra -Werror -pthread -Iinclude -o $@ $< -L$(out) -lturbohttp \
		-Wl,-rpath,'$$ORIGIN/..' $(shell sed -n '1,5s,^// build: ,,p' $<)

$(out)/cs/%.exe: capi/ctest/%.cs | all
	build/csc.sh mcs $@ $<
	if [ -d build/tools/dotnet ]; then build/csc.sh roslyn $(@D)/coreclr/$(@F) $<; fi
