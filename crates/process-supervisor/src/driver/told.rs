//! What was told of a service's properties: a change tells those that differ.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, RandomState};

/// What is known of one property: a fingerprint of what was told, or one of two numbers that no fingerprint is. There are
/// dozens of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last(u64);

impl Last {
    /// It is as before a first start, and everybody knows that.
    const NEVER: Last = Last(0);
    /// Something was told, perhaps to somebody who is gone.
    const SOMETHING: Last = Last(1);

    fn this(fingerprint: u64) -> Last {
        Last(fingerprint.max(2))
    }
}

/// What was told of each property, by the order in which the teller asks for them.
#[derive(Debug)]
pub struct Told {
    random: RandomState,
    last: RefCell<Vec<Last>>,
    /// What the others are.
    rest: Last,
}

impl Default for Told {
    fn default() -> Self {
        Told { random: RandomState::new(), last: RefCell::default(), rest: Last::NEVER }
    }
}

impl Told {
    /// A service that an earlier supervisor may have told anything of.
    pub fn unknown() -> Told {
        Told { rest: Last::SOMETHING, ..Told::default() }
    }

    /// Whoever listens may have forgotten what was told: all that is not as before a first start is told again.
    pub fn start_anew(&mut self) {
        for last in self.last.get_mut().iter_mut().filter(|last| **last != Last::NEVER) {
            *last = Last::SOMETHING;
        }
    }

    /// Whether a value has to be told, which is noted as done. `is_default`: it is what it is before a first start.
    pub fn is_news(&self, place: usize, value: &impl Hash, is_default: bool) -> bool {
        let new = Last::this(self.random.hash_one(value));
        let mut all = self.last.borrow_mut();
        if all.len() <= place {
            all.resize(place + 1, self.rest);
        }
        let Some(last) = all.get_mut(place).filter(|last| **last != new && !(is_default && **last == Last::NEVER))
        else {
            return false;
        };
        *last = new;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_news() {
        let told = Told::default();
        for (value, news) in [(0u32, false), (7, true), (7, false), (0, true), (0, false)] {
            assert_eq!(told.is_news(3, &value, value == 0), news, "{value}");
        }
        assert!(!told.is_news(1, &"", true));
    }

    #[test]
    fn after_a_new_start_and_a_new_supervisor() {
        let mut told = Told::default();
        assert!(told.is_news(0, &7, false));
        told.start_anew();
        assert!(told.is_news(0, &7, false));
        assert!(!told.is_news(0, &7, false));
        told.start_anew();
        assert!(told.is_news(0, &0, true));
        assert!(!told.is_news(1, &0, true));
        assert!(Told::unknown().is_news(2, &0, true));
    }
}
