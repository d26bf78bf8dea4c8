# make demo   build, pack the sample pages, run one scored round on loopback
# make test   the tests, as .ci/run runs them
GO      ?= go
export CGO_ENABLED = 0
export GOAMD64 = v1

LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN = $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: build sample demo test lint vuln race fuzz soak platforms interop conformance-chain conformance-torch golden oracle goldens bench bench-hub bench-kernel bench-peer bench-tasks bench-train clean

build:
	$(GO) build -buildvcs=auto -trimpath -ldflags "-s -w" -o bin/finest .

sample:
	$(GO) run ./roles/devnet/sample -out sample

demo: build sample
	bin/finest devnet --once

test:
	$(GO) test ./...

lint:
	$(GO) vet ./...
	$(LINT) run ./...

vuln:
	$(VULN) ./...

# The race detector is the one thing here that needs a C compiler. Of the kills at
# every step it sees a part: all of them take it a quarter of an hour.
race:
	CGO_ENABLED=1 $(GO) test -race -short ./roles/... ./pipeline/ ./chain/... ./hub/...

FUZZTIME ?= 10000x
fuzz:
	.ci/fuzz $(FUZZTIME)

# The golden rows on amd64 (GOAMD64 v1 and v3) and, in qemu, on arm64.
platforms:
	.ci/platforms

# Installs the clients of other languages that the development chain, the
# development hub and the task server have to please, and runs them. What cannot be installed is named
# and skipped.
interop:
	chain/devchain/interop/setup.sh
	hub/devhub/interop/setup.sh
	roles/taskserver/interop/setup.sh
	$(GO) test -v -count 1 ./chain/devchain/interop ./chain/wallet/interop ./hub/devhub/interop ./roles/taskserver/interop

# The chain client against a node: FINEST_CHAIN_WS=ws://127.0.0.1:9944 names it,
# without one a development chain is started. See docs/chain.md.
conformance-chain:
	$(GO) test -v -count 1 -timeout 60m ./chain/conformance

# PyTorch against the native trainer: with the Python of FINEST_TORCH_PYTHON, or one that this installs (5 GB).
conformance-torch:
	FINEST_TORCH_PYTHON="$${FINEST_TORCH_PYTHON:-$$(eval/lm/torch/conformance/setup.sh)}" \
		$(GO) test -v -count 1 -timeout 60m ./eval/lm/torch/conformance

# Writes the rows of the self-test anew, after a change of results.
golden:
	$(GO) test ./pipeline/selftest -update

# Ours against the decisions of the reference, stage by stage. REFERENCE is a
# folder with the reference's own texts; see pipeline/oracle/README.md.
oracle:
	$(GO) test -v -count 1 ./pipeline/oracle $(if $(REFERENCE),-reference $(REFERENCE))

# Writes those decisions anew, in the profile P (release or head), with the PYTHON
# that has this version of the reference, and what lies in ORACLE_HOME.
P           ?= release
PYTHON      ?= python3
ORACLE_HOME ?= bin/oracle
GOLDENS      = pipeline/oracle/testdata/golden
ORACLE       = $(PYTHON) pipeline/oracle/oracle.py --home $(ORACLE_HOME)
goldens:
	mkdir -p bin
	$(PYTHON) pipeline/oracle/oracle.py corpus
	$(ORACLE) golden pipeline/oracle/testdata/own.jsonl --out $(GOLDENS)/own-$(P).jsonl.gz
	$(ORACLE) golden-urls --out $(GOLDENS)/urls-$(P).jsonl
	$(ORACLE) golden $(FINEST_TESTDATA)/text/c4_sample.jsonl --out $(GOLDENS)/c4-$(P).jsonl.gz
	$(GO) run ./pipeline/oracle/texts -out bin/texts.jsonl $(FINEST_TESTDATA)/web/*.warc.gz
	$(ORACLE) golden bin/texts.jsonl --out $(GOLDENS)/web-$(P).jsonl.gz

# Every stage, for benchstat.
bench:
	GOGC=400 GOMEMLIMIT=1GiB $(GO) test ./pipeline/... -run '^$$' -bench . -benchtime 1s -count 6 -timeout 2h

# Two gigabytes to a hub in this process, against SHA-256 of the same bytes twice.
# TMPDIR is where the hub stores them: a disk's rate is not what is measured.
bench-hub:
	TMPDIR=$${TMPDIR:-/dev/shm} $(GO) test ./hub/huggingface -run '^$$' -bench Upload -benchtime 1x -count 5

# The reference and this program in turns over the same pages, in CPU seconds.
BENCH_N     ?= 5
BENCH_PAGES ?= 200
bench-peer: build
	$(GO) run ./pipeline/oracle/peer -finest bin/finest -python $(PYTHON) -home $(ORACLE_HOME) \
		-rounds $(BENCH_N) -pages $(BENCH_PAGES) $(FINEST_TESTDATA)/web/*.warc.gz

# Products of matrices, ours and numpy's OpenBLAS, on one thread in turns.
bench-kernel:
	$(PYTHON) -m venv bin/kernel-peer
	bin/kernel-peer/bin/pip install --quiet --disable-pip-version-check --requirement eval/lm/matmul/peer/requirements.txt
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(GO) run ./eval/lm/matmul/peer -python bin/kernel-peer/bin/python

# Steps of training, in tokens a CPU-second and against the kernel in one run.
bench-train:
	$(GO) test ./eval/lm -run '^$$' -bench TrainStep -benchtime 20x -count 5

# A task server under load, over SQLite and PostgreSQL; on an idle machine. It
# fails if a bar is missed, after all runs.
bench-tasks:
	$(GO) build -o bin/load ./roles/taskserver/load
	@missed=0; \
	for run in "-p99 50ms -growth 1.5" "-dir /dev/shm -p99 50ms -growth 1.5" "-half-open 5000 -p99 100ms" \
		"-tasks 10000 -rate 100" "-tasks 1000000 -rate 100" "-db $$(.ci/postgres $$$$)"; do \
		echo "bin/load $$run"; bin/load $$run || missed=1; \
	done; exit $$missed

# Everything chance has a part in, longer.
soak:
	$(GO) test -count 5 -timeout 3h ./...
	FINEST_SOAK=1 $(GO) test -count 1 -timeout 1h -run 'TestModel$$' ./roles/taskserver/engine
	.ci/fuzz 10m

clean:
	rm -rf bin sample
