//! The program's scenarios on a second runtime, the bank of an Agave validator: see
//! `tests/scenarios.rs`. There is no code here.
