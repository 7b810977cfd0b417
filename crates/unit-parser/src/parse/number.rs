//! Booleans, numbers, sizes, percentages, modes.

use thiserror::Error;

/// Why a text is no number of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Not a number at all.
    #[error("not a number")]
    Syntax,
    /// Outside of the bounds.
    #[error("number is out of range")]
    Range,
}

/// `1 yes y true t on` and `0 no n false f off`, in any case.
pub fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["1", "yes", "y", "true", "t", "on"]) {
        Some(true)
    } else if is(&["0", "no", "n", "false", "f", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// A number as strtoul reads it: decimal, `0x…`, `0o…`, `0b…`, or octal with a leading 0.
pub fn unsigned(text: &str) -> Result<u64, NumberError> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (radix, digits) = if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        (16, hex)
    } else if let Some(octal) = text.strip_prefix("0o") {
        (8, octal)
    } else if let Some(binary) = text.strip_prefix("0b") {
        (2, binary)
    } else if text.len() > 1 && text.starts_with('0') {
        (8, text)
    } else {
        (10, text)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(NumberError::Syntax);
    }
    u64::from_str_radix(digits, radix).map_err(|_| NumberError::Range)
}

/// Like [`unsigned`] with a sign.
pub fn signed(text: &str) -> Result<i64, NumberError> {
    let text = text.trim_start();
    match text.strip_prefix('-') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            let size = unsigned(rest)?;
            0i64.checked_sub_unsigned(size).ok_or(NumberError::Range)
        }
        Some(_) => Err(NumberError::Syntax),
        None => i64::try_from(unsigned(text)?).map_err(|_| NumberError::Range),
    }
}

/// An access mode in octal, up to 07777.
pub fn mode(text: &str) -> Result<u32, NumberError> {
    if text.is_empty() || !text.bytes().all(|b| matches!(b, b'0'..=b'7')) {
        return Err(NumberError::Syntax);
    }
    u32::from_str_radix(text, 8).ok().filter(|m| *m <= 0o7777).ok_or(NumberError::Range)
}

/// Suffixes, and the power of the base that they stand for.
const SIZE_UNITS: &[(&str, u32)] = &[("E", 6), ("P", 5), ("T", 4), ("G", 3), ("M", 2), ("K", 1), ("B", 0)];

/// Bytes with suffixes of base 1024; several parts add up in falling order: `1G 500M`.
pub fn size(text: &str) -> Result<u64, NumberError> {
    size_with(text, 1024)
}

/// The same with base 1000.
pub fn size_decimal(text: &str) -> Result<u64, NumberError> {
    size_with(text, 1000)
}

fn size_with(text: &str, base: u64) -> Result<u64, NumberError> {
    let mut rest = text.trim_start();
    let mut largest = u32::MAX;
    let mut total = 0u64;
    if rest.is_empty() {
        return Err(NumberError::Syntax);
    }
    while !rest.is_empty() {
        if rest.starts_with('-') {
            return Err(NumberError::Range);
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, after) = rest.split_at(end);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(digits) => {
                let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                digits.split_at(end)
            }
            None => ("", after),
        };
        if whole.is_empty() {
            return Err(NumberError::Syntax);
        }
        let after = after.trim_start();
        let unit = SIZE_UNITS.iter().find(|(word, _)| after.starts_with(word));
        let (power, used) = match unit {
            Some((word, power)) => (*power, word.len()),
            None if after.is_empty() => (0, 0),
            None => return Err(NumberError::Syntax),
        };
        if power >= largest {
            return Err(NumberError::Syntax);
        }
        largest = power;
        let factor = base.pow(power);
        let number: u64 = whole.parse().map_err(|_| NumberError::Range)?;
        let part = number
            .checked_mul(factor)
            .and_then(|n| n.checked_add(scaled(fraction, factor)))
            .ok_or(NumberError::Range)?;
        total = total.checked_add(part).ok_or(NumberError::Range)?;
        rest = after.get(used..).unwrap_or("").trim_start();
    }
    Ok(total)
}

fn scaled(fraction: &str, factor: u64) -> u64 {
    let digits: String = fraction.chars().take(18).collect();
    let Ok(number) = digits.parse::<u128>() else { return 0 };
    let divisor = 10u128.pow(u32::try_from(digits.len()).unwrap_or(18));
    u64::try_from(number * u128::from(factor) / divisor).unwrap_or(0)
}

/// A percentage (`%`, `‰`, `‱`) in units of 1/10000; `None` if it is none.
pub fn permyriad(text: &str) -> Option<u32> {
    let (number, scale) = if let Some(n) = text.strip_suffix('%') {
        (n, 100)
    } else if let Some(n) = text.strip_suffix('\u{2030}') {
        (n, 10)
    } else {
        (text.strip_suffix('\u{2031}')?, 1)
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || (number.ends_with('.')) {
        return None;
    }
    let digits = match scale {
        100 => 2,
        10 => 1,
        _ => 0,
    };
    if fraction.len() > digits {
        return None;
    }
    let mut part: u32 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    for _ in fraction.len()..digits {
        part *= 10;
    }
    whole.parse::<u32>().ok()?.checked_mul(scale)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, value) in
            [("yes", Some(true)), ("On", Some(true)), ("F", Some(false)), ("0", Some(false)), ("", None), ("2", None)]
        {
            assert_eq!(boolean(text), value, "{text}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(unsigned("0x1f"), Ok(31));
        assert_eq!(unsigned("010"), Ok(8));
        assert_eq!(unsigned("-1"), Err(NumberError::Syntax));
        assert_eq!(signed("-7"), Ok(-7));
        assert_eq!(signed("--7"), Err(NumberError::Syntax));
        assert_eq!(signed("9223372036854775808"), Err(NumberError::Range));
        assert_eq!(mode("0755"), Ok(0o755));
        assert_eq!(mode("999"), Err(NumberError::Syntax));
        assert_eq!(mode("77777"), Err(NumberError::Range));
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("1.5M", 1_572_864),
            ("4G", 4 << 30),
            ("1G 500M", (1 << 30) + (500 << 20)),
            ("64K", 65536),
            ("12B", 12),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "x", "-1", "500M 1G", "1K1K", "17E", "1Q"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn percentages() {
        for (text, value) in [
            ("50%", Some(5000)),
            ("12.34%", Some(1234)),
            ("0.5%", Some(50)),
            ("7\u{2030}", Some(70)),
            ("1.234%", None),
            ("x%", None),
            ("5", None),
        ] {
            assert_eq!(permyriad(text), value, "{text}");
        }
    }
}
