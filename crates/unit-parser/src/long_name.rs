//! Unit names of paths that are too long for a unit name: cut, and told apart by a hash, as systemd does since 251.

use crate::name::MAX_LENGTH;

/// systemd's key for this hash; with another one, names would differ from those that its tools make.
const KEY: [u64; 2] = [0x324a_3258_fb37_f2ec, 0x9aeb_210d_9b06_9f84];

/// `STEM.TYPE` in at most 255 bytes: `CUT_HASH.TYPE`, where the hash (16 hexadecimal digits) is that of the whole name.
pub(crate) fn shorten(stem: &str, suffix: &str) -> String {
    let whole = format!("{stem}.{suffix}");
    if whole.len() <= MAX_LENGTH {
        return whole;
    }
    let mut input = whole.into_bytes();
    input.push(0);
    let hash = siphash24(KEY, &input).swap_bytes();
    let tail = format!("_{hash:016x}.{suffix}");
    // Stems are ASCII: everything else is escaped.
    let cut = stem.get(..MAX_LENGTH.saturating_sub(tail.len())).unwrap_or(stem);
    format!("{cut}{tail}")
}

fn siphash24(key: [u64; 2], data: &[u8]) -> u64 {
    let [k0, k1] = key;
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut compress = |word: u64| {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    };
    let mut words = data.chunks_exact(8);
    for word in words.by_ref() {
        compress(little_endian(word));
    }
    // The last word: what is left, and the length in its top byte.
    compress(little_endian(words.remainder()) | (data.len() as u64) << 56);
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash_2_4() {
        // The test vector of the algorithm's paper.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let data: Vec<u8> = (0..15).collect();
        assert_eq!(siphash24(key, &data), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn names_are_those_of_systemd() {
        // Observed: a device with SYSTEMD_ALIAS=/conform/abcdefghi/abcdefghi/... (40 times) under systemd 252.
        let stem = format!("conform{}", "-abcdefghi".repeat(40));
        let name = shorten(&stem, "device");
        assert_eq!(name.len(), 255);
        assert!(name.ends_with("-abcdefghi-abc_4a53669041e0a644.device"), "{name}");
        assert_eq!(shorten("dev-sda", "device"), "dev-sda.device");
    }
}
