//! Every scenario on solana-program-test, with the kept ELF.

use tollgate_program_test_tests::ProgramTestRuntime;
use tollgate_program_tests::{World, for_each_scenario, scenarios};

macro_rules! run {
    ($($theme:ident :: $scenario:ident),* $(,)?) => {$(
        #[test]
        fn $scenario() {
            scenarios::$theme::$scenario(&mut World::new(Box::new(ProgramTestRuntime::start())));
        }
    )*};
}
for_each_scenario!(run);
