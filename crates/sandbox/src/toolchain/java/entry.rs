//! Which class to start: the one that was asked for, or the only one that can be started.

use std::collections::HashMap;

use super::class_file::Class;
use crate::toolchain::BuildFailure;

/// Candidates named in a message.
const SHOWN: usize = 20;
/// Steps from a class to those that it extends. A jail's class files may claim a circle.
const ANCESTORS: usize = 64;

/// The entry point's binary name.
///
/// `wanted` is a class's qualified or simple name, with `.`, `/` or `$` between its parts, or a source file's name.
/// Without it, the only class with a `main` of its own is taken, or the only such one of the instructor's `given` files;
/// a `main` that is merely inherited counts only for a class that was asked for.
pub fn choose(classes: &[Class], wanted: Option<&str>, given: &[String]) -> Result<String, BuildFailure> {
    let mut mains: Vec<&Class> = classes.iter().filter(|c| c.main).collect();
    mains.sort_by(|a, b| a.name.cmp(&b.name));
    let (theirs, own): (Vec<_>, Vec<_>) =
        mains.iter().partition(|c| c.source.as_ref().is_some_and(|s| given.contains(s)));
    if let Some(wanted) = wanted {
        return named(classes, &mains, &own, wanted.trim());
    }
    if let [only] = theirs.as_slice() {
        return Ok(only.name.clone());
    }
    match own.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(BuildFailure::NoMain { hint: almost(classes) }),
        several => Err(BuildFailure::SeveralMains { candidates: names(several) }),
    }
}

fn named(classes: &[Class], mains: &[&Class], shown: &[&Class], wanted: &str) -> Result<String, BuildFailure> {
    let by_name: HashMap<_, _> = classes.iter().map(|c| (c.name.as_str(), c)).collect();
    let startable = || classes.iter().filter(|c| inherits_main(c, &by_name));
    // The more exact way of naming comes first: `Main` is the class `Main`, even if there is an `a.Main` too.
    let exact: Vec<_> = startable().filter(|c| spelled(&c.name) == spelled(wanted)).collect();
    let mut found = exact;
    if found.is_empty() {
        found = mains.iter().copied().filter(|c| c.source.as_deref() == Some(wanted)).collect();
    }
    if found.is_empty() {
        let end = format!(".{}", spelled(wanted));
        found = startable().filter(|c| spelled(&c.name).ends_with(&end)).collect();
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    match found.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(BuildFailure::UnknownMain { wanted: wanted.to_owned(), candidates: names(shown) }),
        several => Err(BuildFailure::SeveralMains { candidates: names(several) }),
    }
}

/// A class's name as people may spell it: `a/b/Outer$Inner` is `a.b.Outer.Inner`.
fn spelled(name: &str) -> String {
    name.replace(['/', '$'], ".")
}

fn inherits_main(class: &Class, by_name: &HashMap<&str, &Class>) -> bool {
    let mut at = class;
    for _ in 0..ANCESTORS {
        if at.main {
            return true;
        }
        match at.extends.as_deref().and_then(|name| by_name.get(name)) {
            Some(parent) => at = parent,
            None => return false,
        }
    }
    false
}

fn names(classes: &[&Class]) -> Vec<String> {
    classes.iter().take(SHOWN).map(|c| c.name.clone()).collect()
}

/// The first class that almost has an entry point, and what keeps it from it.
fn almost(classes: &[Class]) -> Option<String> {
    let first = classes.iter().filter(|c| c.almost_main.is_some()).min_by(|a, b| a.name.cmp(&b.name))?;
    first.almost_main.map(|why| format!("{} has a main method, but {why}", first.name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(classes: &[Class], wanted: Option<&str>) -> Result<String, BuildFailure> {
        super::choose(classes, wanted, &[])
    }

    fn class(name: &str, source: &str, main: bool) -> Class {
        Class { name: name.to_owned(), extends: None, source: Some(source.to_owned()), main, almost_main: None }
    }

    #[test]
    fn the_only_main_is_taken_whatever_its_name() {
        let classes = [class("a.Helper", "Helper.java", false), class("b.Été", "Été.java", true)];
        assert_eq!(choose(&classes, None).ok().as_deref(), Some("b.Été"));
    }

    #[test]
    fn with_several_it_asks_which_and_takes_any_way_of_naming_one() {
        let classes = [
            class("b.Two", "Two.java", true),
            class("a.One", "One.java", true),
            class("C$In", "C.java", true),
            class("a.Two", "Other.java", false),
        ];
        let Err(BuildFailure::SeveralMains { candidates }) = choose(&classes, None) else { panic!("several") };
        assert_eq!(candidates, ["C$In", "a.One", "b.Two"]);
        for (wanted, name) in [
            ("Two", "b.Two"),
            ("Two.java", "b.Two"),
            ("a.One", "a.One"),
            ("a/One", "a.One"),
            (" a.One ", "a.One"),
            ("C.java", "C$In"),
            ("C.In", "C$In"),
            ("C$In", "C$In"),
            ("In", "C$In"),
        ] {
            assert_eq!(choose(&classes, Some(wanted)).ok().as_deref(), Some(name), "{wanted}");
        }
        for wanted in ["Three", "wo", "a.Two", "", ".", "two"] {
            let Err(BuildFailure::UnknownMain { candidates, .. }) = choose(&classes, Some(wanted)) else {
                panic!("{wanted} must be unknown")
            };
            assert_eq!(candidates.len(), 3);
        }
    }

    #[test]
    fn with_none_it_says_so_and_what_is_almost_one() {
        let mut almost = class("Main", "Main.java", false);
        almost.almost_main = Some("it is not static");
        let Err(failure) = choose(&[almost], None) else { panic!("none") };
        assert!(failure.message().contains("Main has a main method, but it is not static"), "{}", failure.message());
        assert_eq!(choose(&[], None), Err(BuildFailure::NoMain { hint: None }));
    }

    #[test]
    fn a_simple_name_in_two_packages_is_a_question_unless_one_has_exactly_that_name() {
        let mut classes = vec![class("a.Main", "Main.java", true), class("b.Main", "Main.java", true)];
        assert!(matches!(choose(&classes, Some("Main")), Err(BuildFailure::SeveralMains { .. })));
        assert_eq!(choose(&classes, Some("b.Main")).ok().as_deref(), Some("b.Main"));
        classes.push(class("Main", "Main.java", true));
        assert_eq!(choose(&classes, Some("Main")).ok().as_deref(), Some("Main"));
    }

    #[test]
    fn the_only_main_of_the_instructors_files_is_taken_and_they_are_not_listed() {
        let given = ["Driver.java".to_owned(), "Other.java".to_owned()];
        let mut classes =
            vec![class("A", "A.java", true), class("Driver", "Driver.java", true), class("B", "B.java", true)];
        assert_eq!(super::choose(&classes, None, &given).ok().as_deref(), Some("Driver"));
        assert_eq!(super::choose(&classes, Some("A"), &given).ok().as_deref(), Some("A"));
        classes.push(class("Other", "Other.java", true));
        for wanted in [None, Some("X")] {
            let failure = super::choose(&classes, wanted, &given).expect_err("which?").message();
            assert!(failure.contains("A, B") && !failure.contains("Driver"), "{failure}");
        }
    }

    #[test]
    fn an_inherited_main_counts_for_the_class_that_was_asked_for() {
        let mut child = class("a.Child", "Child.java", false);
        child.extends = Some("a.Parent".to_owned());
        let classes = [child, class("a.Parent", "Parent.java", true)];
        assert_eq!(choose(&classes, None).ok().as_deref(), Some("a.Parent"));
        assert_eq!(choose(&classes, Some("Child")).ok().as_deref(), Some("a.Child"));
    }

    #[test]
    fn classes_that_claim_to_extend_each_other_are_survived() {
        let mut a = class("A", "A.java", false);
        a.extends = Some("B".to_owned());
        let mut b = class("B", "B.java", false);
        b.extends = Some("A".to_owned());
        assert!(matches!(choose(&[a, b], Some("A")), Err(BuildFailure::UnknownMain { .. })));
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_there_and_what_is_listed_can_be_chosen(
            names in prop::collection::btree_set("[ab]\\.[AB](\\$[AB])?|[AB]", 0..8), mains in any::<u8>(), wanted in "[ab]?\\.?[AB]?",
        ) {
            let classes: Vec<_> = names.iter().enumerate().map(|(i, n)| class(n, "A.java", mains >> i & 1 == 1)).collect();
            for wanted in [None, Some(wanted.as_str())] {
                match choose(&classes, wanted) {
                    Ok(name) => prop_assert!(classes.iter().any(|c| c.name == name && c.main)),
                    Err(BuildFailure::SeveralMains { candidates }) => {
                        prop_assert!(candidates.len() > 1);
                        for name in candidates {
                            prop_assert_eq!(choose(&classes, Some(&name)).ok(), Some(name));
                        }
                    }
                    Err(_) => {}
                }
            }
        }
    }
}
