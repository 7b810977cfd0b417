#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (variables, _) = exec_job::core::env_file::parse(text);
    for (name, value) in variables {
        assert!(exec_job::core::env_file::is_name(&name), "{name:?}");
        assert!(!value.contains('\0') || text.contains('\0'));
    }
});
