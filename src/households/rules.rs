//! Card numbers with their check digits (R52), and names folded for search.

pub mod events;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Why a card number cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body of a card number is one or more digits")]
pub struct NotDigits;

/// The two check digits of a body of any length: 98 − (body × 100 mod 97) (R52, ISO 7064 MOD 97-10).
pub fn check_digits(body: &str) -> Result<String, NotDigits> {
    let remainder = remainder_97(body).ok_or(NotDigits)?;
    Ok(format!("{:02}", 98 - remainder * 100 % 97))
}

/// The body followed by its check digits.
pub fn card_number(body: &str) -> Result<String, NotDigits> {
    Ok(format!("{body}{}", check_digits(body)?))
}

/// Whether a number is all digits and leaves 1 when divided by 97 (R52).
pub fn is_valid_card_number(number: &str) -> bool {
    remainder_97(number) == Some(1)
}

/// The remainder digit by digit, so that no length overflows; `None` where it is not a number.
fn remainder_97(digits: &str) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0, |remainder, character| character.to_digit(10).map(|digit| (remainder * 10 + digit) % 97))
}

/// A name as it is searched: lower case, without accents, all else than letters and digits as single spaces.
pub fn fold_name(name: &str) -> String {
    if name.is_ascii() {
        // As below, without the tables.
        return fold_letters(name.len(), name.chars().map(|letter| letter.to_ascii_lowercase()));
    }
    // Accents have a combining class; the vowel signs of Indic scripts have none and are part of the name.
    let letters = name.nfkd().flat_map(char::to_lowercase);
    fold_letters(name.len(), letters.filter(|character| canonical_combining_class(*character) == 0))
}

fn fold_letters(length: usize, letters: impl Iterator<Item = char>) -> String {
    let mut folded = String::with_capacity(length);
    let mut space_due = false;
    for character in letters {
        if !character.is_alphanumeric() {
            space_due = !folded.is_empty();
            continue;
        }
        if space_due {
            folded.push(' ');
            space_due = false;
        }
        folded.push(character);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn check_digits_are_those_of_the_standard() {
        assert_eq!(card_number("257001260000421"), Ok("25700126000042139".to_owned()));
        assert!(is_valid_card_number("25700126000042139"));
        assert!(!is_valid_card_number("25700126000042239"));
        assert_eq!(check_digits(""), Err(NotDigits));
        assert_eq!(check_digits("12a"), Err(NotDigits));
        assert_eq!(check_digits("٣"), Err(NotDigits));
        assert!(!is_valid_card_number("x1"));
        assert_eq!(check_digits("0"), Ok("98".to_owned()));
    }

    #[test]
    fn names_are_folded() {
        assert_eq!(fold_name("  Régine  N'DIAYE-Bâ "), "regine n diaye ba");
        assert_eq!(fold_name("ﬁlles İstanbul"), "filles istanbul");
        assert_eq!(fold_name("Ñ\u{303}andú 2"), "nandu 2");
        assert_eq!(fold_name("--"), "");
        assert_ne!(fold_name("काम"), fold_name("कम"));
    }

    proptest! {
        #[test]
        fn a_body_of_any_length_gives_a_valid_number(body in "[0-9]{1,80}") {
            let number = card_number(&body).unwrap();
            prop_assert!(is_valid_card_number(&number));
            prop_assert_eq!(number.len(), body.len() + 2);
        }

        #[test]
        fn one_wrong_digit_is_found(body in "[0-9]{1,20}", place in any::<prop::sample::Index>(), step in 1_u8..10) {
            let mut bytes = card_number(&body).unwrap().into_bytes();
            let index = place.index(bytes.len());
            bytes[index] = (bytes[index] - b'0' + step) % 10 + b'0';
            prop_assert!(!is_valid_card_number(&String::from_utf8(bytes).unwrap()));
        }

        #[test]
        fn folding_twice_changes_nothing(name in "\\PC{0,30}") {
            let once = fold_name(&name);
            prop_assert_eq!(fold_name(&once), once);
        }
    }
}
