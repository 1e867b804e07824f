# Everything that a developer runs. Needs Python 3.11+, a stable Rust toolchain and make; nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find native \( -name target -o -name fuzz \) -prune -o \( -name '*.rs' -o -name '*.toml' \) -print) Cargo.toml Cargo.lock
EXTENSION := python/ingest/_native.abi3.so

.PHONY: help build up test lint bench crash fuzz lock vendor native clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

build: $(VENV)/.built ## make .venv with the command `ingest`

# Compiled at once, a process of ours starts in a third of the time; sources for other versions fail.
$(VENV)/.deps: requirements/dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages and the servers; about a minute"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null || true
	touch $@

$(VENV)/.built: $(VENV)/.deps $(RUST_SOURCES) pyproject.toml
	@echo "Compiling the extension; the first time one or two minutes"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet \
		--no-deps --no-build-isolation --no-index --editable .
	touch $@

up: build ## run the whole system here until Ctrl-C (FLAGS="--port 9000 ...")
	@$(BIN)/ingest up $(FLAGS)

LOADGEN := --manifest-path bench/loadgen/Cargo.toml --target-dir target/loadgen --locked

# Each group starts its own servers; the whole suite in one process would keep them all.
GROUPS := tests/unit tests/contract tests/docs tests/integration tests/browser tests/crash

test: build lint ## run every test, of Rust and Python, on real servers
	cargo test --workspace --locked --quiet
	cargo test $(LOADGEN) --quiet
	$(foreach group,$(wildcard $(GROUPS)),$(BIN)/python -m pytest $(PYTEST_FLAGS) $(group) &&) true

lint: build $(VENV)/.bench ## check form, types and the stub; all silent
	cargo fmt --all --check
	cargo fmt --manifest-path native/fuzz/Cargo.toml --check
	cargo fmt --manifest-path bench/loadgen/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features --locked --quiet -- -D warnings
	cargo clippy $(LOADGEN) --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/python -m mypy.stubtest ingest._native > /dev/null

crash: build ## kill and disturb a loaded system for an hour, compare what was acknowledged (FLAGS=--short for 20 faults)
	$(BIN)/python -m bench.crash $(FLAGS)

# What the benchmarks compare with and draw with, and what the linter needs to read them.
$(VENV)/.bench: requirements/bench.txt $(VENV)/.deps
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	touch $@

bench: build $(VENV)/.bench ## measure end to end beside the baseline, quick (FLAGS=--full for all)
	$(BIN)/python -m bench.e2e $(or $(FLAGS),--quick)

native: ## rebuild the extension alone and put it in place in one step
	cargo build --release --locked --features python -p ingest-native
	cp target/release/libingest_native.so $(EXTENSION).new && mv $(EXTENSION).new $(EXTENSION)

FUZZ := .fuzz/bin/cargo-fuzz
SECONDS ?= 60

fuzz: $(FUZZ) ## give each fuzz target SECONDS (60) of random input
	native/fuzz/run $(SECONDS)

$(FUZZ):
	cargo install cargo-fuzz --version 0.13.2 --locked --quiet --root .fuzz

lock: ## resolve the pinned dependencies again, with hashes and without an index address
	$(BIN)/uv pip compile pyproject.toml --group dev --extra embedded --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --group bench --extra embedded --constraints requirements/dev.txt \
		--universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements/bench.txt
	$(BIN)/uv pip compile pyproject.toml --constraints requirements/dev.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements/run.txt

clean: ## remove what was built here, and caches; no data
	rm -rf $(VENV) $(EXTENSION) target .fuzz .prometheus web/node_modules
	rm -rf .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find python tests bench -name __pycache__ -prune -exec rm -rf {} +

STATIC := python/ingest/admin/static/vendor

vendor: ## copy what the dashboard takes from npm into the package (web/package.json has the versions)
	npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	install -m 644 -D -t $(STATIC)/uplot $(addprefix web/node_modules/uplot/,LICENSE dist/uPlot.iife.min.js dist/uPlot.min.css)
