# The parts of `make test`. Each suite prints its seconds; the sum is the last
# line. See README.md, "Tests".
.PHONY: test-rules test-unit test-exchange test-priv test-fuzz test-live \
	test-san users suites test-clang
RESULTS := $(BUILD)/results
SUITE := RESULTS=$(RESULTS) bash regress/suite.sh
# 16 targets, two at a time, in three minutes.
FUZZ_S ?= 18
# Sanitizers slow everything: their own, shorter list of live scenarios.
LIVE := $(sort $(wildcard regress/live/t_*.sh))
LIVE_SAN := $(addprefix regress/live/t_,$(addsuffix .sh,plain cookies \
	wrong_psk workers initiator cert_hostile cert_matrix crl))

$(B)/regress/live/ghclient: $(B)/regress/live/ghclient.o $(call deplibs,sim)
	$(CC) $(VLD) -o $@ $< -Wl,--start-group $(call deplibs,sim) \
	    -Wl,--end-group $(LDLIBS)
LIVE_BIN := $(B)/gatehoused $(B)/gatehousectl $(B)/regress/live/ghclient

$(B)/regress/fuzz/%: $(B)/regress/fuzz/%.o $$(call deplibs,$$(call word2,$$*))
	$(CC) $(VLD) -o $@ $< -Wl,--start-group \
	    $(call deplibs,$(call word2,$*)) -Wl,--end-group $(LDLIBS)

users:
	@sh etc/mkusers.sh

# Every suite runs, whatever the others said; sum.sh judges.
suites: users
	-@bash regress/timed.sh build $(MAKE) -s -j2 all $(LIVE_BIN) unit-build
	-@bash regress/timed.sh build-asan $(MAKE) -s -j2 VARIANT=asan all \
	    unit-build priv-build live-build
	-@bash regress/timed.sh build-test $(MAKE) -s -j2 VARIANT=test all priv-build
	-@bash regress/timed.sh build-fuzz $(MAKE) -s -j2 VARIANT=fuzz fuzz-build
	-@bash regress/timed.sh build-clang $(MAKE) -s -j2 CC=clang \
	    BUILD=$(BUILD)/clang all
	-@$(MAKE) --no-print-directory test-rules
	-@$(MAKE) --no-print-directory test-unit
	-@$(MAKE) --no-print-directory test-exchange
	-@$(MAKE) --no-print-directory VARIANT=test test-priv
	-@$(MAKE) --no-print-directory VARIANT=asan test-san
	-@$(MAKE) --no-print-directory VARIANT=fuzz test-fuzz
	-@$(MAKE) --no-print-directory test-live

PRIV := $(call tests_in,priv)
.PHONY: priv-build live-build unit-build fuzz-build
priv-build: $(PRIV)
live-build: $(LIVE_BIN)

test-rules: all
	@$(SUITE) rules 1 120 $(sort $(wildcard regress/rules/*.sh))
test-unit: $(UNIT)
	@$(SUITE) unit 2 120 $(UNIT)
test-exchange: $(EXCH)
	@$(SUITE) exchange 2 180 $(EXCH)
test-priv: $(PRIV) all
	@BIN=$(abspath $(B)) $(SUITE) priv 1 120 $(PRIV)
test-live: $(LIVE_BIN)
	@BIN=$(abspath $(B)) $(SUITE) live 2 240 $(LIVE)
test-san: $(UNIT) $(EXCH) $(LIVE_BIN)
	@ASAN_OPTIONS=detect_leaks=1 $(SUITE) san-unit 2 180 $(UNIT) $(EXCH)
	@VARIANT=asan BIN=$(abspath $(B)) $(SUITE) san-live 2 240 $(LIVE_SAN)
test-fuzz: $(fuzzers)
	@FUZZ_S=$(FUZZ_S) RUNNER=regress/fuzz/run.sh $(SUITE) fuzz 2 240 $(abspath $(fuzzers))

lint: all
	@$(SUITE) rules 1 120 $(sort $(wildcard regress/rules/*.sh))
fuzz:
	@$(MAKE) -s VARIANT=fuzz fuzz-build
	@$(MAKE) --no-print-directory VARIANT=fuzz FUZZ_S=600 test-fuzz
bench:
	@sh regress/deps.sh test
	@sh etc/mkusers.sh
	@$(MAKE) -s -j2 all live-build
	@$(MAKE) -s -C regress/bench O=$(abspath $(BUILD))/bench
	@BIN=$(abspath $(B)) bash regress/bench/run.sh
soak:
	@sh regress/deps.sh test
	@sh etc/mkusers.sh
	@$(MAKE) -s -j2 all $(LIVE_BIN) unit-build
	@bash regress/live/soak.sh
install: all
	sh etc/install.sh "$(B)" "$(DESTDIR)" "$(PREFIX)"
