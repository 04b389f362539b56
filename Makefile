# What people and CI run. Everything here needs Go, a C compiler and make, and
# nothing else; what a test needs beyond that is installed when it can be, and
# named when it cannot.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
PKG     ?= ./...

# A demo's options, such as make demo DEMO="--seed 7".
DEMO ?=

.PHONY: help demo rehearsal pictures build static test tools race crash check vuln fuzz bench image clean

help:
	@echo "make demo    build Steward and watch it work on a simulated portfolio"
	@echo "make rehearsal  live through a simulated year with all packs, and write its tables into docs/packs.md; two minutes or so"
	@echo "make pictures  draw the documentation's pictures of mails and cards anew; needs chromium"
	@echo "make test    run every test; says what it had to skip (PKG=./jobs for one package)"
	@echo "make check   gofmt, go vet and staticcheck"
	@echo "make vuln    look for known vulnerabilities in what is called; advisory, needs a network"
	@echo "make race    run every test under the race detector"
	@echo "make crash   kill the worker CRASH_KILLS times (default 300) on each queue and account for every message"
	@echo "make fuzz    run every fuzz target for FUZZTIME (default 3s) each"
	@echo "make bench   run the benchmarks"
	@echo "make build   build bin/steward; make static builds one without shared libraries"
	@echo "make image   build the container image"

demo: build
	@bin/steward demo $(DEMO)

# The tables stand between two markers; the rest of docs/packs.md is kept.
rehearsal: build
	@bin/steward rehearse --markdown > bin/rehearsal.md
	@awk '/<!-- rehearsal -->/ { print; print ""; while ((getline line < "bin/rehearsal.md") > 0) print line; print ""; skip = 1 } \
		/<!-- end of the rehearsal -->/ { skip = 0 } !skip' docs/packs.md > bin/packs.md
	@cp bin/packs.md docs/packs.md

# Pictures of what people get, as the documentation shows them.
pictures: tools
	STEWARD_PICTURES=1 STEWARD_REQUIRE_ALL=1 go test -count=1 -run 'InMailPrograms|Pictures' ./notify ./web ./cmd/steward

build:
	@mkdir -p bin
	@[ -e bin/steward ] || echo "building; the first build compiles SQLite and takes a minute or two" >&2
	go build -ldflags "$(LDFLAGS)" -o bin/steward ./cmd/steward

# What the Dockerfile builds: no shared libraries, no paths of the builder. A
# static binary cannot load SQLite extensions, so they are left out. The other
# targets do without these flags, as with them SQLite is compiled anew.
static:
	@mkdir -p bin
	CGO_ENABLED=1 go build -trimpath -tags sqlite_omit_load_extension,netgo,osusergo \
		-ldflags "$(LDFLAGS) -linkmode external -extldflags -static" -o bin/steward-static ./cmd/steward

test: tools
	@go test -v $(PKG) 2>&1 | awk -f .ci/summary.awk

race: tools
	@go test -race -short -v $(PKG) 2>&1 | awk -f .ci/summary.awk

# The worker lives through simulated days and is killed over and over; a few
# minutes. CRASH_SEED=N lives through the same days again.
CRASH_KILLS ?= 300
CRASH_DAYS  ?= 16
CRASH_SEED  ?= $(shell echo $$RANDOM)
crash: tools
	STEWARD_REQUIRE_ALL=1 STEWARD_CRASH_SEED=$(CRASH_SEED) STEWARD_CRASH_KILLS=$(CRASH_KILLS) STEWARD_CRASH_DAYS=$(CRASH_DAYS) \
		go test -count=1 -timeout 1h -run '^TestCrashLoop$$' -v ./cmd/steward

# What tests need beyond Go, of Debian's: a Redis, a mail server, a browser.
tools:
	@.ci/tools

check: bin/staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; } >&2
	go vet ./...
	bin/staticcheck ./...
	bash -n .ci/run; bash -n .ci/tools; bash -n .ci/vuln/look

# The linter's requirements stay in a module of its own, so that the product's
# go.mod lists what the product needs.
bin/staticcheck: .ci/lint/go.mod .ci/lint/go.sum
	@mkdir -p bin
	go build -C .ci/lint -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck

# Advisory: fails when there is something to know, says so when it could not
# look, and CI goes on either way. Its tool has a module of its own as well.
vuln:
	@.ci/vuln/look

FUZZTIME ?= 3s
# Every fuzz target in turn, as go test fuzzes one at a time. A worker that is
# still busy when the time is over can fail the run with "context deadline
# exceeded" and no failing input; that alone is tried again.
fuzz:
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort -u | while IFS=: read -r file func; do \
		dir=$$(dirname "$$file"); name=$${func#func }; \
		for try in 1 2 3; do \
			echo "fuzz $$dir $$name"; \
			if out=$$(go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir" 2>&1); then break; fi; \
			if [ $$try = 3 ] || grep -q 'Failing input written' <<<"$$out" || ! grep -q 'context deadline exceeded' <<<"$$out"; then \
				echo "$$out"; exit 1; \
			fi; \
		done; \
	done

bench:
	go test -run '^$$' -bench . -benchmem $(PKG)

image:
	docker build --build-arg VERSION=$(VERSION) -t steward:$(VERSION) .

clean:
	rm -rf bin
