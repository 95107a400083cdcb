# Two commands on a fresh machine: `make prove` and `make test`. Both install what they need.
TARGET := $(or $(CARGO_TARGET_DIR),target)
HOTLOOP := $(TARGET)/release/hotloop

.PHONY: prove prove-hardware test sets build docs clean help

help:
	@echo "make prove   prove a STARK on the simulated board, and compare with the CPU prover"
	@echo "make test    every test, lints included (two cores: see README for the time it takes)"
	@echo "make prove-hardware   prove the emitted hardware for all inputs; writes docs/proofs.md"
	@echo "make sets    self-test of the boards of every parameter set"
	@echo "make build   the hotloop command: $(HOTLOOP)"
	@echo "make docs    regenerate docs/registers.md, docs/presets.md and docs/figures.md"

build:
	@scripts/setup.sh
	cargo build --release --locked -p hotloop-cli

prove: build
	@scripts/prove.sh $(HOTLOOP)

test:
	@scripts/setup.sh yosys
	cargo fmt --all --check
	cargo build --release --locked -p hotloop-cli
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	cargo test --release --locked --workspace

prove-hardware:
	@scripts/prove-hardware.sh

# The boards of the other parameter sets, each against its own library.
sets:
	@scripts/setup.sh
	cargo build --release --locked -p hotloop-cli --features sets
	$(HOTLOOP) selftest --device sim --sets all

docs: build
	$(HOTLOOP) emit --docs docs/registers.md
	$(HOTLOOP) presets --docs docs/presets.md
	$(HOTLOOP) bench --device sim --docs docs/figures.md

clean:
	cargo clean
