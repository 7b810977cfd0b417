//! How the C library's allocator treats the end of the heap (mallopt(3)).

/// Bytes that may be free at the end of the heap before they go back to the kernel, where 128 KiB are usual.
#[cfg(target_env = "gnu")]
const SPARE: i32 = 1024 * 1024;

/// Keeps up to a mebibyte of free memory at the end of the heap: a daemon that needs a little more than usual for each event
/// would otherwise ask the kernel for the same pages, zeroed, again and again. Other C libraries than glibc have no such knob.
pub fn keep_spare() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number that the allocator reads; it locks itself. An unknown parameter is refused, which does no harm.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, SPARE);
    }
}
