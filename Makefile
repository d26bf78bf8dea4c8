# make demo   build, pack the sample pages, run one scored round on loopback
# make test   the tests, as .ci/run runs them
GO      ?= go
export CGO_ENABLED = 0
export GOAMD64 = v1

LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN = $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: build sample demo test lint vuln race fuzz soak clean

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

# The race detector is the one thing here that needs a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race ./roles/... ./pipeline/ ./chain/... ./hub/...

FUZZTIME ?= 10000x
fuzz:
	.ci/fuzz $(FUZZTIME)

# Everything chance has a part in, longer.
soak:
	$(GO) test -count 5 -timeout 3h ./...
	.ci/fuzz 10m

clean:
	rm -rf bin sample
