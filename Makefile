# `make test` is all that a newcomer needs.
.PHONY: run test fuzz image image-test image-check deploy-check instructions dashboard-check bench bench-memory bench-peers embedded fmt lint doc deps check-architecture package openapi tools

run:
	cargo run

# Installs what is missing, and runs everything on SQLite and on a PostgreSQL of its own. Most tests wait for a server longer than they compute,
# so that twice as many run at one time as there are processors; those that measure run alone.
test: tools
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$(($$(nproc) * 2))} scripts/with-postgres cargo test --workspace --no-fail-fast

# Holds the running service to its OpenAPI document, on both databases. Needs Python 3.10 or newer; takes some minutes.
fuzz: tools
	scripts/fuzz

# Measures a release build with a million users, on both databases, beside its limits and its peers, and writes bench/RESULTS.md. Needs Python;
# takes about twenty minutes, and ten more at first. QUICK=1 is three minutes with fewer users, and prints what it measures.
bench: tools
	scripts/install-tools bench
	bench/run

# The peers alone: OpenLDAP, 389 Directory Server and SpiceDB.
bench-peers: tools
	scripts/install-tools bench
	bench/run peers

# Counts the instructions of what is done most, with Valgrind, and fails where they are more than they may be (crates/server/benches/instructions.rs).
instructions: tools
	scripts/install-tools checkers
	PATH="$$PATH:$${CARGO_HOME:-$$HOME/.cargo}/bin" cargo bench --profile dev --package guildhall --bench instructions

# Checks the alerts of deploy/prometheus, and asks a Prometheus that scraped a loaded service every query of the dashboard. Needs Debian's packages, and Python.
dashboard-check: tools
	scripts/dashboard-check

# Measures how soon a release build is ready over a SQLite file of a million users, and how much memory it takes. Needs Python.
bench-memory: tools
	bench/run memory

# Checks and tests the program that embeds the domain, and runs it twice over one file: it must print the same.
embedded:
	cd examples/embedded && cargo fmt --check
	cd examples/embedded && cargo clippy --locked --all-targets -- -D warnings
	cd examples/embedded && cargo test --locked
	cd examples/embedded && folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && \
		cargo run --quiet --locked -- "$$folder/directory.redb" >"$$folder/first" && \
		cargo run --quiet --locked -- "$$folder/directory.redb" >"$$folder/second" && \
		diff "$$folder/first" "$$folder/second" && cat "$$folder/first"

# Builds the container image guildhall:latest out of deploy/Dockerfile with podman. Compiles a release, so it takes some minutes.
image:
	scripts/install-tools image
	scripts/image build

# Starts containers of guildhall:latest, on SQLite and on a PostgreSQL, as deploy/ does.
image-test:
	scripts/install-tools image
	scripts/image test

# The same with an image around the program that `cargo test` or `cargo build` compiled last, which takes a minute.
image-check:
	scripts/install-tools image
	scripts/image wrap "$${CARGO_TARGET_DIR:-target}/debug/guildhall" guildhall:check
	scripts/image test guildhall:check

# Checks what is in deploy/, and the settings of CI, by schemas and linters. Needs Python.
deploy-check: tools
	scripts/deploy-check

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Licences, sources and unused dependencies, and which crate may depend on which (deny.toml).
deps: check-architecture
	scripts/install-tools checkers
	cargo deny --locked check -D warnings licenses sources
	cargo deny --locked --exclude-dev check -D warnings bans
	cargo machete

# The rest of the rules on dependencies: see ARCHITECTURE.md.
check-architecture:
	scripts/check-architecture

# Builds the packages of the libraries that others can use by themselves.
package:
	cargo fetch --locked
	cargo package --frozen --allow-dirty --package guildhall-domain --package guildhall-zenql

# Renews the checked-in OpenAPI document.
openapi:
	cargo run --quiet -- openapi >docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

# Renews the description of all types of events.
events:
	GUILDHALL_WRITE_DOCUMENTS=1 cargo test --quiet --package guildhall-domain --test event_document

tools:
	scripts/install-tools
