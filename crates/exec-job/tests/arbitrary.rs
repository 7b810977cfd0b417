//! A short run of what the fuzz target `environment_file` does.

use exec_job::core::env_file;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn environment_file(text in "([A-Z_]{1,3}=|[ \\t\n\r\"'\\\\#;$=]|[a-z]|\\PC){0,60}") {
        let (variables, _) = env_file::parse(&text);
        for (name, _) in variables {
            prop_assert!(env_file::is_name(&name), "{name:?}");
        }
    }
}
