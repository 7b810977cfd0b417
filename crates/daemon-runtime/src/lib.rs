//! daemon-runtime
