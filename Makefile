# `make test` is all that a newcomer needs.
.PHONY: run test fmt lint doc check-architecture tools

run:
	cargo run

# Installs what is missing, and runs everything on SQLite and on a PostgreSQL of its own.
test: tools
	scripts/with-postgres cargo test --workspace --no-fail-fast

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
