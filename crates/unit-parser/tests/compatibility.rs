//! docs/compatibility.md lists the directive table as it is.

use std::path::Path;

const BEGIN: &str = "<!-- directives: begin -->\n";
const END: &str = "<!-- directives: end -->";

#[test]
fn the_documentation_lists_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let table = unit_parser::table::document::markdown();
    let expected = format!("{before}{BEGIN}{table}\n{END}{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &expected).unwrap();
        return;
    }
    assert!(text == expected, "docs/compatibility.md is out of date: run this test with BLESS=1");
}
