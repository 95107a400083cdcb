# Two commands on a fresh machine: `make prove` and `make test`. Both install what they need.
TARGET := $(or $(CARGO_TARGET_DIR),target)
HOTLOOP := $(TARGET)/release/hotloop

.PHONY: bitstreams prove prove-hardware test test-long test-guest fuzz sets build docs clean help

help:
	@echo "make prove   prove a Miden program on the simulated board, and compare with the CPU prover"
	@echo "make test    every test, lints included (two cores: see README for the time it takes)"
	@echo "make test-long   every unit against its library on a million vectors, stalls on every stream (docs/testing.md)"
	@echo "make prove-hardware   prove the emitted hardware for all inputs; writes docs/proofs.md"
	@echo "make test-guest   the simulated board in a QEMU guest: kernel VFIO, lspci, a whole proof"
	@echo "make sets    self-test of the boards of every parameter set"
	@echo "make bitstreams   images of the ECP5 boards by the open flow (hours on two cores), projects of the others; docs/boards.md"
	@echo "make build   the hotloop command: $(HOTLOOP)"
	@echo "make docs    regenerate docs/registers.md, docs/presets.md, docs/engines.md and docs/host.md"

build:
	@scripts/setup.sh
	cargo build --release --locked -p hotloop-cli

# Of the boards of the other parameter sets, which take minutes to build, with Miden's alone.
prove:
	@scripts/setup.sh
	cargo build --release --locked -p hotloop-cli --no-default-features --features sim-miden
	@scripts/prove.sh $(HOTLOOP)

# The whole workspace each time: a package alone has its dependencies with fewer features, and they and every simulated board
# would be built twice.
test:
	@scripts/setup.sh yosys tclsh python3-venv openFPGALoader
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	cargo test --release --locked --workspace

# The tests of units, of every set's engine and of the buses, with more of everything, and an image built twice. HOTLOOP_VECTORS=n for other
# numbers of vectors, HOTLOOP_SEED=n for the random numbers of an earlier run.
test-long:
	@scripts/setup.sh
	@HOTLOOP_VECTORS=$${HOTLOOP_VECTORS:-1000000} HOTLOOP_SEED=$${HOTLOOP_SEED:-$$(date +%s)} && \
	export HOTLOOP_VECTORS HOTLOOP_SEED && echo "test-long: HOTLOOP_VECTORS=$$HOTLOOP_VECTORS HOTLOOP_SEED=$$HOTLOOP_SEED" && \
	cargo test --release --locked -p hotloop-units -p hotloop-sets && \
	cargo test --release --locked -p hotloop-cli --test ecp5 -- --ignored
	@scripts/fuzz.sh 60

prove-hardware:
	@scripts/prove-hardware.sh

# The simulated board in a guest that boots Linux, with a QEMU of Debian's newer suites: see tests/guest/tests/board.rs.
# The guest's `hotloop` has no simulation and no libraries: built for musl where its target is installed.
GUEST_TARGET := $(or $(findstring x86_64-unknown-linux-musl,$(shell rustup target list --installed 2>/dev/null)),x86_64-unknown-linux-gnu)
test-guest:
	@scripts/setup.sh
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked -p hotloop-cli --no-default-features \
		--target $(GUEST_TARGET)
	HOTLOOP_GUEST=full HOTLOOP=$(abspath $(TARGET)/$(GUEST_TARGET)/release/hotloop) \
		cargo test --release --locked -p hotloop-guest --test board -- --nocapture --test-threads 1

# Images where the open flow makes them, Vivado projects elsewhere, into bitstreams/out. A board that fails is named, and the
# others are built all the same; its row in docs/boards.md stays an estimate. BOARDS="ecpix5-85" for some only. As many at a time as
# there are cores (JOBS), each with 5 GiB at most.
ECP5_BOARDS := $(patsubst bitstreams/boards/%.toml,%,$(shell grep -l '^family = "ecp5"' bitstreams/boards/*.toml))
XILINX_BOARDS := $(patsubst bitstreams/boards/%.toml,%,$(shell grep -l '^vendor = "xilinx"' bitstreams/boards/*.toml))
BOARDS := $(ECP5_BOARDS) $(XILINX_BOARDS)
UNKNOWN_BOARDS = $(filter-out $(ECP5_BOARDS) $(XILINX_BOARDS),$(BOARDS))
JOBS := $(shell nproc)
bitstreams:
	@[ -z "$(UNKNOWN_BOARDS)" ] || { echo "bitstreams: bitstreams/boards has no: $(UNKNOWN_BOARDS)" >&2; exit 2; }
	@scripts/setup.sh yosys python3-venv
	cargo build --release --locked -p hotloop-cli --no-default-features
	@good=true; \
	$(MAKE) --no-print-directory --keep-going --output-sync --jobs $(JOBS) $(BOARDS:%=image-%) || good=false; \
	$(HOTLOOP) bitstream report --docs docs/boards.md && $$good

image-%:
	@echo "== $*"
	@$(HOTLOOP) bitstream build $* $(if $(filter $*,$(XILINX_BOARDS)),--project-only --synthesise)

# A minute for each of what reads bytes of others.
fuzz:
	@scripts/fuzz.sh

# The boards of the other parameter sets, each against its own library.
sets: build
	$(HOTLOOP) selftest --device sim --sets all --vectors 100000

docs: build
	$(HOTLOOP) emit --docs docs/registers.md
	$(HOTLOOP) presets --docs docs/presets.md
	$(HOTLOOP) bench --device sim --docs docs/engines.md
	$(HOTLOOP) bench --suite host --docs docs/host.md

clean:
	cargo clean
