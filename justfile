# The common commands; `just` lists them. Each is a plain cargo command, so that
# nobody needs just.

default:
    @just --list --unsorted

# The whole story on a local chain: 402, payment, 200, withdrawal.
demo:
    cargo run --release -- demo

# A local chain, a merchant, an API and the verifier in front of it.
dev:
    cargo run --release -- dev

# Every test and every check of the kept artifacts.
test:
    cargo xtask test

# The suites that need a real Agave validator (long compilation).
test-validator:
    cargo xtask test-validator

# The clients that tests/interop runs, and the TypeScript package.
clients:
    cargo xtask clients

# Everything that must hold before a change lands.
ci:
    .ci/run

format:
    cargo fmt --all

lint:
    cargo clippy --locked --workspace --all-targets -- --deny warnings

# Licences, banned crates, sources.
audit:
    cargo deny --locked check bans licenses sources

# Compile the program and keep the ELF with its provenance.
program:
    cargo xtask build-program

# Compile the program from nothing and compare with the kept ELF.
program-check:
    cargo xtask build-program --check

# Write the program's IDL.
idl:
    cargo xtask idl

# Compute units and ELF size, with their limits.
cu:
    cargo xtask cu

# Random input for the program, the decoders and the service's readers, five
# minutes each.
fuzz seconds='300':
    cargo xtask fuzz --seconds {{seconds}}

# Callers, faults and restarts against the whole service, five minutes.
sim seconds='300':
    cargo xtask sim --seconds {{seconds}}

# What a request through the gate costs, next to none and next to peers.
bench:
    cargo xtask bench
