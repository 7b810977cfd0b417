//! unit-parser
