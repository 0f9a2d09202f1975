# `make test` is all that a newcomer needs.
.PHONY: run test fuzz bench fmt lint doc check-architecture tools

run:
	cargo run

# Installs what is missing, and runs everything on SQLite and on a PostgreSQL of its own.
test: tools
	scripts/with-postgres cargo test --workspace --no-fail-fast

# Holds the running service to its OpenAPI document, on both databases. Needs Python 3.10 or newer; takes some minutes.
fuzz: tools
	scripts/fuzz

# Measures a release build with a million users, on both databases, and writes bench/RESULTS.md. Needs Python; takes half an hour at first.
bench: tools
	bench/run

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Who may depend on whom: see ARCHITECTURE.md.
check-architecture:
	scripts/check-architecture

tools:
	scripts/install-tools
