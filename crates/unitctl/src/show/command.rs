//! Commands with what became of their last run: `ExecStart=` and its kin.

use zbus::Variant;

use super::scalar::timestamp_or_na;
use crate::properties::as_text;

/// How a process ended (`si_code`).
pub fn code_name(code: i32) -> &'static str {
    match code {
        1 => "exited",
        2 => "killed",
        3 => "dumped",
        4 => "trapped",
        5 => "stopped",
        6 => "continued",
        _ => "(null)",
    }
}

/// One row of `a(sasbttttuii)` or, with flags instead of a truth value, of `a(sasasttttuii)`.
pub fn text(row: &[Variant<'_>]) -> Option<String> {
    let [
        path,
        Variant::Array(argv),
        how,
        Variant::U64(started),
        _,
        Variant::U64(stopped),
        _,
        Variant::U32(pid),
        code,
        status,
    ] = row
    else {
        return None;
    };
    let (Variant::I32(code), Variant::I32(status)) = (code, status) else { return None };
    let argv = argv.inner().iter().filter_map(as_text).collect::<Vec<_>>().join(" ");
    let how = match how {
        Variant::Bool(ignore) => format!("ignore_errors={}", if *ignore { "yes" } else { "no" }),
        Variant::Array(flags) => {
            format!("flags={}", flags.inner().iter().filter_map(as_text).collect::<Vec<_>>().join(" "))
        }
        _ => return None,
    };
    Some(format!(
        "{{ path={} ; argv[]={argv} ; {how} ; start_time={} ; stop_time={} ; pid={pid} ; code={} ; status={status}{} }}",
        as_text(path)?,
        timestamp_or_na(*started),
        timestamp_or_na(*stopped),
        code_name(*code),
        match code {
            1 => String::new(),
            2 | 3 => format!("/{}", signal(*status)),
            _ => "/0".to_owned(),
        },
    ))
}

/// A signal's name without `SIG`.
pub fn signal(number: i32) -> String {
    sys::signals::name(number).map_or_else(|| number.to_string(), |name| name.trim_start_matches("SIG").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::lines;

    #[test]
    fn a_command_that_never_ran() {
        let row = ("/bin/sleep", vec!["/bin/sleep", "9"], false, 0_u64, 0_u64, 0_u64, 0_u64, 0_u32, 0_i32, 0_i32);
        let shown = lines("ExecStart", &Variant::from(vec![row])).unwrap();
        assert_eq!(
            shown,
            [
                "{ path=/bin/sleep ; argv[]=/bin/sleep 9 ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; \
              code=(null) ; status=0/0 }"
            ]
        );
    }
}
