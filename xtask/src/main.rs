//! The project's own commands, run as `cargo xtask <command>`.
//!
//! | command | what it does |
//! | --- | --- |
//! | `build-program` | compiles the program to its ELF and records from what |
//! | `provenance` | says whether the recorded ELF belongs to the working tree |
//! | `idl` | writes the program's Anchor IDL |
//! | `cu` | measures compute units and holds them against their limits |
//! | `docs` | writes the generated pages of docs/ anew |
//! | `soak` | random sequences of every instruction against a plain model, for long |
//! | `fuzz` | random input for the program, the decoders and the service's readers, for long |
//! | `sim` | seeded runs of the whole service, judged by their histories, for long |
//! | `bench` | what a request through the gate costs, next to none and next to peers |
//! | `setup` | installs what the tests need: Debian packages (as root), Envoy below target |
//! | `clients` | installs the clients of tests/interop and builds the TypeScript package |
//! | `test` | every test of the workspace and every check above |
//! | `test-validator` | the suites that need a real Agave validator |

mod bench;
mod build_program;
mod clients;
mod compute_units;
mod docs;
mod envoy;
mod error;
mod fuzz;
mod host;
mod idl;
mod process;
mod provenance;
mod sim;
mod soak;
mod test_report;
mod test_suite;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile the program to an sBPF ELF and record its provenance
    #[command(long_about = build_program::HELP)]
    BuildProgram {
        /// Build from nothing and compare with the ELF kept in the project
        #[arg(long)]
        check: bool,
    },
    /// Say whether the ELF kept in the project belongs to these sources
    Provenance,
    /// Write the program's Anchor IDL
    Idl {
        /// Only compare with the IDL kept in the project
        #[arg(long)]
        check: bool,
    },
    /// Print the IDL; `idl` runs this in an environment of its own
    #[command(hide = true)]
    IdlPrint,
    /// Measure compute units, print them, and fail above their limits or the record
    Cu {
        /// Write the record in benches/ anew instead of comparing with it
        #[arg(long)]
        record: bool,
    },
    /// Write the generated pages of docs/ anew; the tests compare them
    Docs,
    /// Hold random sequences of every instruction against a plain model
    Soak {
        /// On which runtime
        #[arg(long, value_enum, default_value_t = soak::Runtime::Litesvm)]
        runtime: soak::Runtime,
        /// Steps in all, spread over consecutive seeds
        #[arg(long, default_value_t = 100_000)]
        steps: u64,
        /// The first seed; without it a random one, which is printed
        #[arg(long)]
        seed: Option<u64>,
        /// Compile with optimisation (long compilation, faster steps)
        #[arg(long)]
        release: bool,
    },
    /// Search for input that breaks the program, the client's decoders or the service's readers
    Fuzz {
        /// How long each of the searches goes on
        #[arg(long, default_value_t = 300)]
        seconds: u64,
        /// The first seed; without it a random one, which is printed
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Let callers, faults and restarts loose on the service and judge what happened
    Sim {
        /// How long to go on, one seed after another
        #[arg(long, default_value_t = 300)]
        seconds: u64,
        /// The one seed to replay
        #[arg(long)]
        seed: Option<u64>,
        /// How many things each caller does in a run
        #[arg(long)]
        steps: Option<u64>,
    },
    /// Measure the service and hold it against its goals (long compilation)
    Bench {
        /// Rounds over all rows
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// How long each row is measured in a round, in milliseconds
        #[arg(long, default_value_t = 3_000)]
        milliseconds: u64,
        /// Connections of the load
        #[arg(long, default_value_t = 16)]
        connections: u32,
        /// Users whose waiting is measured
        #[arg(long, default_value_t = 10)]
        users: u32,
    },
    /// Install what the tests need, Debian packages and Envoy; `test` does so itself
    Setup,
    /// Install the clients that tests/interop runs, and build the TypeScript package
    Clients,
    /// Run every test of the workspace and every check of its artifacts
    Test,
    /// Run the suites that need a real Agave validator (long compilation)
    TestValidator,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error[{}]: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), Error> {
    let workspace = Workspace::locate()?;
    match command {
        Command::BuildProgram { check: false } => build_program::build(&workspace),
        Command::BuildProgram { check: true } => build_program::check(&workspace),
        Command::Provenance => provenance::report(&workspace),
        Command::Idl { check: false } => idl::write(&workspace),
        Command::Idl { check: true } => idl::check(&workspace),
        Command::IdlPrint => idl::print(&workspace),
        &Command::Cu { record } => compute_units::measure(&workspace, record),
        Command::Docs => docs::write(&workspace),
        &Command::Soak {
            runtime,
            steps,
            seed,
            release,
        } => soak::run(
            &workspace,
            &soak::Soak {
                runtime,
                steps,
                seed,
                release,
            },
        ),
        &Command::Fuzz { seconds, seed } => fuzz::run(&workspace, &fuzz::Fuzz { seconds, seed }),
        &Command::Sim {
            seconds,
            seed,
            steps,
        } => sim::run(
            &workspace,
            &sim::Sim {
                seconds,
                seed,
                steps,
            },
        ),
        &Command::Bench {
            rounds,
            milliseconds,
            connections,
            users,
        } => bench::run(
            &workspace,
            &bench::Bench {
                rounds,
                milliseconds,
                connections,
                users,
            },
        ),
        Command::Clients => clients::install(&workspace),
        Command::Setup => test_suite::prepare(&workspace),
        Command::Test => test_suite::run_all(&workspace),
        Command::TestValidator => test_suite::run_validator(&workspace),
    }
}
