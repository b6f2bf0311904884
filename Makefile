# What people and CI run. `make` alone lists the targets.
#
# ARGS goes to the test runner: make test-sqlite ARGS=households

CARGO ?= cargo
ARGS ?=

# nextest where it is installed (a process per test, clearer reports), else cargo's own runner.
TEST = $(shell $(CARGO) nextest --version >/dev/null 2>&1 \
	&& echo '$(CARGO) nextest run --locked' || echo '$(CARGO) test --locked')

# Random histories grow from this number, so that what one run finds another finds again. `make explore` takes another.
PROPTEST_RNG_SEED ?= 20260301
export PROPTEST_RNG_SEED

.DEFAULT_GOAL := help

# The order of `test` is meant: what fails quickly comes first.
.NOTPARALLEL:

.PHONY: help build demo test test-sqlite test-postgres explore lint fmt bench docs

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## Build the release binary, target/release/ayni
	$(CARGO) build --release --locked

demo: ## Make a demonstration database in ./data and serve it
	$(CARGO) run --release --locked -- demo

test: lint test-sqlite test-postgres ## Everything CI runs: lint, then the whole suite on each engine

test-sqlite: ## The whole suite on SQLite
	AYNI_TEST_ENGINE=sqlite $(TEST) $(ARGS)

test-postgres: ## The whole suite on PostgreSQL (AYNI_TEST_POSTGRES, or a private cluster)
	AYNI_TEST_ENGINE=postgres scripts/with-postgres $(TEST) $(ARGS)

explore: SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
explore: ## The random histories from another number, which it names, on SQLite
	@echo "PROPTEST_RNG_SEED=$(SEED)"
	PROPTEST_RNG_SEED=$(SEED) AYNI_SEED=$(SEED) AYNI_TEST_ENGINE=sqlite $(TEST) $(ARGS)

lint: ## Formatting, clippy without warnings, form of the other files
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	scripts/check-form

fmt: ## Format the code
	$(CARGO) fmt

bench: ## Measure beside the same SQL alone, on each engine (docs/performance.md)
	AYNI_TEST_ENGINE=sqlite $(CARGO) bench --locked $(ARGS)
	AYNI_TEST_ENGINE=postgres scripts/with-postgres $(CARGO) bench --locked $(ARGS)

docs: ## Build the code's documentation, target/doc/ayni
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --document-private-items --locked
