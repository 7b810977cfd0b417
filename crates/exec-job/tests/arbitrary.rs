//! A short run of what the fuzz target `environment_file` does.

use exec_job::core::env_file;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same inputs in every run; fuzzing looks for new ones.
const SEED: RngSeed = RngSeed::Fixed(3);
const CASES: u32 = 2000;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, rng_seed: SEED, ..ProptestConfig::default() })]

    #[test]
    fn environment_file(text in "([A-Z_]{1,3}=|[ \\t\n\r\"'\\\\#;$=]|[a-z]|\\PC){0,60}") {
        let (variables, _) = env_file::parse(&text);
        for (name, _) in variables {
            prop_assert!(env_file::is_name(&name), "{name:?}");
        }
    }
}
