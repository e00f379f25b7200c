//! Every scenario on LiteSVM, with the kept ELF.

use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::{World, for_each_scenario, scenarios};

macro_rules! run {
    ($($theme:ident :: $scenario:ident),* $(,)?) => {$(
        #[test]
        fn $scenario() {
            scenarios::$theme::$scenario(&mut World::new(Box::new(LiteSvmRuntime::default())));
        }
    )*};
}
for_each_scenario!(run);
