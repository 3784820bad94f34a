//! `Last-Event-ID` as anybody may send it.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn whatever_is_no_id_of_ours_counts_as_none(id in prop_oneof![any::<String>(), "[0-9+ -]{0,45}", "(done)?-?[0-9a-z-]{0,25}"]) {
        match Seen::parse(Some(&id)) {
            Seen::Nothing => {}
            // Leading zeros are the only other way to write one.
            Seen::Event(event) => {
                let (ms, seq) = id.split_once('-').expect("two numbers");
                let bare = |digits: &str| digits.trim_start_matches('0').to_owned();
                let written = event.to_string();
                let (our_ms, our_seq) = written.split_once('-').expect("two numbers");
                prop_assert_eq!((bare(ms), bare(seq)), (bare(our_ms), bare(our_seq)));
            }
            Seen::Done(attempt) => {
                let number = id.strip_prefix(DONE).expect("the prefix");
                prop_assert_eq!(number.parse::<i32>().ok(), Some(attempt));
            }
        }
    }

    #[test]
    fn every_id_that_is_sent_is_understood_when_it_comes_back(ms: u64, seq: u64, attempt in 0..i32::MAX) {
        let id = format!("{ms}-{seq}");
        let event: EventId = id.parse().expect("an id");
        prop_assert_eq!(Seen::parse(Some(&id)), Seen::Event(event));
        prop_assert_eq!(Seen::parse(Some(&event.to_string())), Seen::Event(event));
        prop_assert_eq!(Seen::parse(Some(&format!("{DONE}{attempt}"))), Seen::Done(attempt));
    }
}
