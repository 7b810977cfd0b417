# The list of recipes
default:
    @just --list --unsorted

# Boot Quintet in a throw-away place and show the main job: a connection, a plug, a crash, and kill -9 of every daemon
demo: _packages
    cargo build --release --locked
    examples/demo.sh

# Everything that CI checks: formatting, lints, unit tests, layering, and the real daemons driven by Debian's systemctl
test: _packages fmt-check lint deny build
    QUINTET_BIN="{{ target }}/release" cargo test --locked --workspace

# Build the release programs
build:
    cargo build --release --locked --workspace

# Build the programs for a package: smaller and faster, into target/dist
package-build:
    cargo build --profile dist --locked --workspace

# Format the sources
fmt:
    cargo fmt --all

# Are the sources formatted?
fmt-check:
    cargo fmt --all --check

# Compiler and clippy warnings are errors
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Write the generated parts of docs/ anew, and the API documentation
docs:
    BLESS=1 cargo test --locked -p unit-parser --test compatibility
    BLESS=1 QUINTET_BIN="{{ target }}/release" cargo test --locked -p integration-tests --test dist man_pages
    cargo doc --locked --workspace --no-deps

# Licences and sources of the dependencies (advisories need a database from the network: `cargo deny check advisories`)
deny:
    @command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
    cargo deny --locked check --hide-inclusion-graph bans licenses sources

# Only the tests that boot the daemons: `just boot-tests hotplug`
boot-tests *ARGS: build
    QUINTET_BIN="{{ target }}/release" cargo test --locked -p integration-tests {{ ARGS }}

target := env("CARGO_TARGET_DIR", justfile_directory() / "target")

_packages:
    @.ci/packages
