# make                    build/ngx_http_ingest_module.so for the nginx that is
#                         installed, or that util/packages has unpacked
# make NGINX_SRC=DIR      the same for an unpacked nginx source, 1.22 or later;
#                         NGINX_FLAGS="..." are configure's arguments
# make FAULTS=1           build/nginx/faults/ngx_http_ingest_module.so, which
#                         kills itself where src/core/ingest_fault.h says
# make unit [SAN=LIST]    t/unit/*_test.c, plain or under sanitizers:
#                         SAN=address,undefined or SAN=thread
# make fuzz               runs t/fuzz/*_fuzz.c (clang) FUZZ_SECONDS each
# make clean, distclean   removes what was compiled, or all of build/
#
# Nothing is written outside build/.

ROOT := $(CURDIR)
BUILD := build

CC ?= cc
CLANG ?= clang
FUZZ_SECONDS ?= 60

# Our own files are compiled with nginx's flags and these.  nginx adds
# -Wno-unused-parameter to its -W, and its handlers force that on src/ngx; the
# units below compile src/core without it.
WARNINGS := -Wall -Wextra -Werror

NGINX_FLAGS ?= --with-compat

# Debian's nginx-dev has headers, configure and conf_flags, and no cc options:
# these are taken from the binary, or the module would be built without
# optimisation and hardening.

ifeq ($(NGINX_SRC),)
NGX_ID := installed
NGX_DIR = $(eval NGX_DIR := $$(shell util/nginx source))$(NGX_DIR)
NGX_BINARY = $(NGX_DIR:%/usr/share/nginx/src=%/usr/sbin/nginx)
else
NGX_ID := $(notdir $(abspath $(NGINX_SRC)))
NGX_DIR := $(abspath $(NGINX_SRC))
NGX_BINARY :=
endif

ifeq ($(FAULTS),)
NGX_BUILD := $(BUILD)/nginx/$(NGX_ID)
MODULE := $(BUILD)/ngx_http_ingest_module.so
else
NGX_BUILD := $(BUILD)/nginx/$(NGX_ID)-faults
MODULE := $(BUILD)/nginx/faults/ngx_http_ingest_module.so
WARNINGS += -DINGEST_FAULTS
endif

SOURCES := $(sort $(wildcard ngx_http_ingest_module.c src/*/*.c))
HEADERS := $(sort $(wildcard src/*/*.h))

.PHONY: all unit fuzz clean distclean FORCE
.DELETE_ON_ERROR:

all: $(MODULE)

# A running nginx maps the file: it is replaced, never written over.

$(MODULE): $(NGX_BUILD)/objs/Makefile FORCE
	@$(MAKE) --no-print-directory -C $(NGX_BUILD) -f objs/Makefile modules
	@cmp -s $(NGX_BUILD)/objs/$(@F) $@ || \
	    { mkdir -p $(@D) && cp $(NGX_BUILD)/objs/$(@F) $@.new && \
	      mv -f $@.new $@; }

$(NGX_BUILD)/objs/Makefile: $(NGX_BUILD)/inputs config util/configure
	@util/configure "$(NGX_DIR)" "$(NGX_BUILD)" "$(NGX_BINARY)" \
	    "$(WARNINGS)" $(if $(NGINX_SRC),$(NGINX_FLAGS))

# What a new configure depends on: it changes only when its content does.

$(NGX_BUILD)/inputs: FORCE
	@test -n "$(NGX_DIR)" || exit 1
	@mkdir -p $(@D)
	@{ echo "$(ROOT) $(NGX_DIR) $(NGX_BINARY) $(NGINX_FLAGS) $(WARNINGS)"; \
	   echo "$(SOURCES) $(HEADERS)"; \
	   test -z "$(NGX_BINARY)" || "$(NGX_BINARY)" -V 2>&1; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Units: each t/unit/X_test.c becomes one program.

comma := ,
UNIT := $(BUILD)/unit$(if $(SAN),-$(subst $(comma),-,$(SAN)))

# gcc warns that TSan does not model fences.  The wake-up of the sender has two;
# what crosses threads as data is ordered by acquire and release.

UNIT_CFLAGS := -std=gnu11 -g -DINGEST_FAULTS $(WARNINGS) $(if $(SAN),-O1 \
    -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all,-O2) \
    $(if $(filter thread,$(SAN)),-Wno-tsan)
UNIT_LIBS := -lcheck -lsubunit -lrdkafka -lcjson -lm -lrt -lpthread

UNIT_OBJECTS := $(patsubst %.c,$(UNIT)/%.o,\
    $(sort $(wildcard src/core/*.c src/kafka/*.c)))
UNIT_TESTS := $(patsubst t/unit/%.c,$(UNIT)/%,\
    $(sort $(wildcard t/unit/*_test.c)))
UNIT_COMMON := $(patsubst %.c,$(UNIT)/%.o,\
    $(sort $(filter-out %_test.c %_bench.c,$(wildcard t/unit/*.c))))

unit: $(UNIT_TESTS)

$(UNIT)/%_test: $(UNIT)/t/unit/%_test.o $(UNIT_COMMON) $(UNIT_OBJECTS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT)/src/kafka/%.o: src/kafka/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -Wno-unused-parameter -MMD -MP -c -o $@ $<

$(UNIT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

.SECONDARY:
-include $(shell test ! -d $(BUILD) || find $(BUILD)/unit* -name '*.d' \
    2>/dev/null)

# Fuzzing: the seeds in t/fuzz/corpus are only read.

FUZZERS := $(patsubst t/fuzz/%.c,%,$(sort $(wildcard t/fuzz/*_fuzz.c)))

fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	@for fuzzer in $(FUZZERS); do \
	    echo "fuzz: $$fuzzer, $(FUZZ_SECONDS) s"; \
	    mkdir -p $(BUILD)/fuzz/corpus/$$fuzzer || exit 1; \
	    $(BUILD)/fuzz/$$fuzzer -max_total_time=$(FUZZ_SECONDS) \
	        -timeout=10 -print_final_stats=1 \
	        -artifact_prefix=$(BUILD)/fuzz/$$fuzzer- \
	        $(BUILD)/fuzz/corpus/$$fuzzer $(wildcard t/fuzz/corpus) \
	        || exit 1; \
	done

$(BUILD)/fuzz/%: t/fuzz/%.c $(wildcard src/core/*.c src/core/*.h)
	@command -v $(CLANG) > /dev/null || \
	    { echo "make: no $(CLANG), util/packages fuzz installs it" >&2; exit 1; }
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=all $(WARNINGS) -o $@ $< \
	    $(wildcard src/core/*.c) -lcjson -lm

# build/ also holds what was downloaded, which "clean" leaves alone.

clean:
	rm -rf $(BUILD)/nginx $(BUILD)/unit* $(BUILD)/fuzz $(MODULE)

distclean:
	@test ! -x util/kafka || util/kafka stop
	rm -rf $(BUILD)
