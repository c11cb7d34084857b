# Headway. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The same flags everywhere, so that a package is compiled once. Only the race
# detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS     := -buildvcs=false

GO        ?= go
TOOL      := $(GO) tool -modfile=test/tools/go.mod
# Installs go here: the registry that `make deploy` pushes Headway's images to.
REGISTRY  ?=
DOMAIN    ?=
# 3: three pods of eventing keep the events; to be chosen at the first installation,
# on the local cluster with each make up.
EVENTING_REPLICAS ?= 1
# What `make up` brings up beside the cluster: FORGE=gitea, a forge with pull requests.
FORGE     ?=

# $(call need,PROGRAM,PACKAGES) installs Debian packages if the program is missing.
need = @command -v $(1) >/dev/null || apt-get install -y -q $(2) || { apt-get update -q && apt-get install -y -q $(2); }

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: ## Bring up the local cluster with Headway and a first app; FORGE=gitea: and a Gitea; EVENTING_REPLICAS=3
	$(GO) run ./deploy/local up --forge=$(FORGE) --eventing-replicas=$(EVENTING_REPLICAS)

.PHONY: down
down: ## Take the local cluster away again (compiled programs stay cached)
	$(GO) run ./deploy/local down

.PHONY: deploy
deploy: ## Install onto the cluster of KUBECONFIG: make deploy REGISTRY=registry.example.com/headway DOMAIN=apps.example.com
	$(GO) run ./deploy/install --registry "$(REGISTRY)" --domain "$(DOMAIN)" --eventing-replicas "$(EVENTING_REPLICAS)"

.PHONY: build
build: ## Compile every program into bin/
	$(GO) build -o bin/ ./cmd/...

.PHONY: test
test: unit integration e2e ## Run all tests (unit, integration, end to end)

.PHONY: unit
unit: ## Run the unit tests with the race detector
	$(call need,gcc,gcc libc6-dev)
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race ./...
	$(GO) test ./watcher/git/intake # measures memory, of which the race detector takes several times as much
	cd test/sources && $(GO) vet -mod=mod ./... && CGO_ENABLED=1 $(GO) test -mod=mod -race -skip /pubsub ./...
	cd test/sources && $(GO) test -mod=mod -run /pubsub ./... # the server of these tests, pstest, has a race
	cd examples/unzip && $(GO) vet ./... && CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: integration
integration: ## Run the tests against a real API server, and the local cluster's own life
	$(GO) run ./deploy/local components
	$(GO) test -tags integration -count=1 -timeout 15m ./test/integration/...
	$(GO) test -tags lifecycle -count=1 -timeout 15m ./deploy/local

.PHONY: e2e
e2e: ## Run the end-to-end tests on the local cluster (brings it up, with a Gitea)
	$(call need,ssh-keygen,openssh-client)
	$(GO) run ./deploy/local up --forge=gitea
	$(GO) test -tags e2e -count=1 -timeout 45m -parallel 4 -v ./test/e2e/...

.PHONY: bench
bench: ## Measure on the local cluster; writes test/bench/out.json
	$(call need,wrk,wrk)
	$(call need,nginx,nginx-light)
	$(GO) run ./deploy/local up
	$(GO) run ./test/bench

.PHONY: generate
generate: ## Regenerate deep copies and CRDs from api/
	$(TOOL) controller-gen object crd:crdVersions=v1 paths=./api/... output:crd:dir=deploy/crds

.PHONY: fmt
fmt: ## Format the Go code
	gofmt -w $$(git ls-files '*.go')

.PHONY: lint
lint: ## Run golangci-lint
	$(GO) tool -modfile=test/tools/lint/go.mod golangci-lint run

.PHONY: verify
verify: generate fmt ## Check that tidy, generate, fmt and lint change nothing and complain of nothing
	$(GO) mod tidy
	cd test/sources && $(GO) vet -mod=mod ./... && CGO_ENABLED=1 $(GO) test -mod=mod -race -skip /pubsub ./...
	cd test/sources && $(GO) test -mod=mod -run /pubsub ./... # the server of these tests, pstest, has a race
	$(MAKE) lint
	git diff --exit-code
