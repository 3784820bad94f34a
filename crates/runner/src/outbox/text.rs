//! Output as text, cut only between characters.

/// The text of as many bytes as can be told now, and how many these are. A character at the end that is not whole yet is
/// left for later, unless nothing more comes (`last`); what is no UTF-8 is replaced.
pub fn decode(bytes: &[u8], last: bool) -> (String, usize) {
    let taken = if last { bytes.len() } else { bytes.len() - unfinished(bytes) };
    (String::from_utf8_lossy(&bytes[..taken]).into_owned(), taken)
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return 0,
            Err(error) => match error.error_len() {
                None => return rest.len() - error.valid_up_to(),
                Some(bad) => rest = &rest[error.valid_up_to() + bad..],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_character_is_told_when_it_is_whole() {
        assert_eq!(decode("aé".as_bytes(), false), ("aé".to_owned(), 3));
        assert_eq!(decode(&"aé".as_bytes()[..2], false), ("a".to_owned(), 1));
        assert_eq!(decode(&"🦀".as_bytes()[..3], false), (String::new(), 0));
        assert_eq!(decode(&"🦀".as_bytes()[..3], true), ("\u{fffd}".to_owned(), 3));
        assert_eq!(decode(b"\xff\xc3", false), ("\u{fffd}".to_owned(), 1));
        assert_eq!(decode(b"\x80", false), ("\u{fffd}".to_owned(), 1));
    }

    proptest! {
        #[test]
        fn text_that_comes_in_pieces_is_the_same_text(text in "\\PC{0,40}", cuts in vec(1_usize..6, 1..20)) {
            let (bytes, mut told, mut at, mut came) = (text.as_bytes(), String::new(), 0, 0);
            for cut in cuts.iter().cycle() {
                came = (came + cut).min(bytes.len());
                let (piece, taken) = decode(&bytes[at..came], false);
                told.push_str(&piece);
                at += taken;
                prop_assert!(came - at < 4);
                if came == bytes.len() { break; }
            }
            prop_assert_eq!((told, at), (text.clone(), bytes.len()));
        }

        #[test]
        fn of_any_bytes_at_most_three_are_held_back(bytes in vec(any::<u8>(), 0..40)) {
            let (_, taken) = decode(&bytes, false);
            prop_assert!(bytes.len() - taken < 4);
            prop_assert_eq!(decode(&bytes, true).1, bytes.len());
        }
    }
}
