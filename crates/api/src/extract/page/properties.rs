//! Cursors that somebody made up.

use proptest::prelude::*;

use super::*;

fn decoded<T: FromStr>(after: &str) -> Result<Option<T>, ApiError> {
    Page { limit: 1, after: Some(after.to_owned()) }.after::<T>()
}

proptest! {
    #[test]
    fn no_cursor_makes_it_panic_or_is_our_fault(after in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,60}", "[A-Za-z0-9+/=]{0,20}"]) {
        for error in [decoded::<uuid::Uuid>(&after).err(), decoded::<i64>(&after).err()].into_iter().flatten() {
            prop_assert!(matches!(&error, ApiError::Invalid(problems) if problems[0].pointer == "after"), "{error:?}");
        }
    }

    #[test]
    fn the_next_page_begins_behind_the_last_item(ids in prop::collection::vec(any::<u128>(), 1..20), limit in 1..20_i64) {
        let ids: Vec<_> = ids.into_iter().map(uuid::Uuid::from_u128).collect();
        let page = Page { limit, after: None };
        let list = page.list(ids.clone(), |id| *id, |id| id);
        prop_assert!(i64::try_from(list.items.len()).is_ok_and(|n| n <= limit));
        if let Some(next) = list.next {
            prop_assert_eq!(decoded::<uuid::Uuid>(&next).ok().flatten(), list.items.last().copied());
        } else {
            prop_assert_eq!(list.items.len(), ids.len(), "nothing is left");
        }
    }
}
