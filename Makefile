# Gatehouse. `make demo` and `make test` do all the set-up by themselves.
# Variants live side by side in build/VARIANT: release, test (self-tests and
# fault injection compiled in), asan (test + ASan + UBSan), fuzz (clang).
VARIANT ?= release
BUILD ?= build
B := $(BUILD)/$(VARIANT)
CC ?= cc
PREFIX ?= /usr/local

WARN := -Wall -Wextra -Wshadow -Wconversion -Werror
CSTD := -std=gnu11 -I. -D_GNU_SOURCE -fno-strict-aliasing
HARD_CF := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE \
	-fstack-clash-protection -fcf-protection
HARD_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack

ifeq ($(VARIANT),release)
VCF := -O2 -g $(HARD_CF)
VLD := $(HARD_LD)
else ifeq ($(VARIANT),test)
VCF := -O1 -g -DGH_TEST $(HARD_CF)
VLD := $(HARD_LD)
else ifeq ($(VARIANT),asan)
VCF := -O1 -g -DGH_TEST -DGH_SAN -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
VLD := -fsanitize=address,undefined
else ifeq ($(VARIANT),fuzz)
override CC := clang
VCF := -O1 -g -DGH_TEST -DGH_SAN -DGH_FUZZ -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
VLD := -fsanitize=fuzzer,address,undefined
else
$(error VARIANT is release, test, asan or fuzz; not '$(VARIANT)')
endif

CFLAGS ?=
ALL_CF = $(CSTD) $(WARN) $(VCF) $(FILE_CF) $(CFLAGS)
LDLIBS = -lsodium -lcrypto -lsqlite3 -levent_core -lmnl -lseccomp \
	-lbsd -ldl

# A library is a folder; its links are the folders below it (DESIGN 3).
LIB_DIRS := privsep/base privsep/ipc privsep/crypto privsep/conf \
	privsep/parent daemon/wire daemon/ike daemon/esp db radius regress/lib \
	regress/pki
lib = $(B)/lib$(subst /,_,$(1)).a
srcs = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(B)/%.o,$(call srcs,$(1)))

# What a test, fuzz target or program of each library links, top first.
DEP_base := privsep/base
DEP_ipc := privsep/ipc privsep/base
DEP_crypto := regress/pki privsep/crypto privsep/base
DEP_conf := privsep/conf privsep/ipc privsep/crypto privsep/base
DEP_parent := regress/pki privsep/parent privsep/conf privsep/ipc \
	privsep/crypto privsep/base
DEP_wire := daemon/wire privsep/base
DEP_ike := daemon/ike daemon/wire privsep/ipc privsep/crypto privsep/base
DEP_esp := daemon/esp privsep/crypto privsep/base
DEP_db := db privsep/ipc privsep/base
DEP_cli := daemon/cli privsep/ipc privsep/base
DEP_pki := regress/pki daemon/pki privsep/ipc privsep/crypto privsep/base
DEP_sim := regress/lib regress/pki privsep/parent privsep/conf daemon/ike \
	daemon/wire daemon/esp privsep/ipc privsep/crypto privsep/base
deplibs = $(foreach d,$(DEP_$(1)),$(call lib,$(d)))

.SUFFIXES:
.SECONDARY:
.PHONY: all test demo quickstart fuzz bench soak lint install clean check \
	unit deps dirs
all: $(B)/gatehoused $(B)/gatehousectl

# Headers only: libp11-kit and the modules are opened when a key asks for it.
$(B)/privsep/crypto/pkcs11.o: FILE_CF := -I/usr/include/p11-kit-1
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CF) -MMD -MP -c -o $@ $<

define lib_rule
$(call lib,$(1)): $(call objs,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach d,$(LIB_DIRS),$(eval $(call lib_rule,$(d))))

# The CLI is a program and, without its main(), a library for its test.
CLI_MAIN := $(B)/daemon/cli/gatehousectl.o
$(call lib,daemon/cli): $(filter-out $(CLI_MAIN),$(call objs,daemon/cli))
	@rm -f $@
	ar rcs $@ $^

# The pki process without its loop, for its tests: the tests are the loop.
$(call lib,daemon/pki): $(patsubst %.c,$(B)/%.o,$(wildcard daemon/pki_*.c))
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

DAEMON_LIBS := privsep/parent db radius daemon/ike daemon/wire daemon/esp \
	privsep/conf privsep/ipc privsep/crypto privsep/base
$(B)/gatehoused: $(call objs,daemon) $(foreach d,$(DAEMON_LIBS),$(call lib,$(d)))
	$(CC) $(VLD) -o $@ $(call objs,daemon) -Wl,--start-group \
	    $(foreach d,$(DAEMON_LIBS),$(call lib,$(d))) -Wl,--end-group $(LDLIBS)
	@chmod 755 $@ # the roles execute it too, whatever root's umask was
$(B)/gatehousectl: $(CLI_MAIN) $(call deplibs,cli)
	$(CC) $(VLD) -o $@ $(CLI_MAIN) $(call deplibs,cli) \
	    -ljansson -lsodium -levent_core -lseccomp
	@chmod 755 $@

# regress/unit/test_LIB_what.c links what LIB links; exchange/test_sim_*.c and
# priv/test_*.c likewise.
tests_in = $(patsubst %.c,$(B)/%,$(sort $(wildcard regress/$(1)/test_*.c)))
word2 = $(word 2,$(subst _, ,$(notdir $(1))))
.SECONDEXPANSION:
$(B)/regress/%: $(B)/regress/%.o $$(call deplibs,$$(call word2,$$*))
	$(CC) $(VLD) -o $@ $< -Wl,--start-group \
	    $(call deplibs,$(call word2,$*)) -Wl,--end-group -lcheck -lsubunit \
	    -lm -lrt -ljansson $(LDLIBS)
	@chmod 755 $@
# fuzz targets: regress/fuzz/fuzz_LIB_what.c
fuzzers = $(patsubst %.c,$(B)/%,$(sort $(wildcard regress/fuzz/fuzz_*.c)))

UNIT := $(call tests_in,unit) $(call tests_in,vectors) $(call tests_in,conf)
EXCH := $(call tests_in,exchange)
unit-build: $(UNIT) $(EXCH)
fuzz-build: $(fuzzers)

# One library's unit tests: make check-wire
check-%: $$(foreach t,$$(UNIT),$$(if $$(findstring /test_$$*_,$$(t)),$$(t)))
	@for t in $^; do echo "== $$t"; $$t || exit 1; done

# The suites are in regress/targets.mk; the sum is the last line.
test: deps
	@rm -rf $(RESULTS)
	@$(MAKE) --no-print-directory suites; \
	    bash regress/sum.sh $(RESULTS)

demo:
	@sh regress/deps.sh demo
	@sh etc/mkusers.sh
	@$(MAKE) -s -j2 all
	@bash regress/live/demo.sh
quickstart:
	@sh regress/deps.sh demo
	@sh etc/mkusers.sh
	@$(MAKE) -s -j2 all
	@bash etc/quickstart.sh

deps:
	sh regress/deps.sh test
clean:
	rm -rf $(BUILD)

include $(wildcard regress/targets.mk)
-include $(shell find $(B) -name '*.d' 2>/dev/null)
