//! Which class to start: the one that was asked for, or the only one that can be started.

use super::class_file::Class;
use crate::toolchain::BuildFailure;

/// Candidates named in a message.
const SHOWN: usize = 20;

/// The entry point's binary name. `wanted` is a qualified or simple class name, or a source file's name.
pub fn choose(classes: &[Class], wanted: Option<&str>) -> Result<String, BuildFailure> {
    let mut mains: Vec<&Class> = classes.iter().filter(|c| c.main).collect();
    mains.sort_by(|a, b| a.name.cmp(&b.name));
    let names = |classes: &[&Class]| classes.iter().take(SHOWN).map(|c| c.name.clone()).collect::<Vec<_>>();
    if let Some(wanted) = wanted {
        let found: Vec<&Class> = mains.iter().copied().filter(|c| answers_to(c, wanted)).collect();
        return match found.as_slice() {
            [one] => Ok(one.name.clone()),
            [] => Err(BuildFailure::UnknownMain { wanted: wanted.to_owned(), candidates: names(&mains) }),
            several => Err(BuildFailure::SeveralMains { candidates: names(several) }),
        };
    }
    match mains.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => {
            let almost = classes
                .iter()
                .find_map(|c| c.almost_main.map(|why| format!("{} has a main method, but {why}", c.name)));
            Err(BuildFailure::NoMain { hint: almost })
        }
        several => Err(BuildFailure::SeveralMains { candidates: names(several) }),
    }
}

fn answers_to(class: &Class, wanted: &str) -> bool {
    let dotted = wanted.replace('/', ".");
    class.name == dotted
        || class.name.rsplit('.').next() == Some(wanted)
        || class.name.replace('$', ".") == dotted
        || class.source.as_deref() == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, source: &str, main: bool) -> Class {
        Class { name: name.to_owned(), source: Some(source.to_owned()), main, almost_main: None }
    }

    #[test]
    fn the_only_main_is_taken_whatever_its_name() {
        let classes = [class("a.Helper", "Helper.java", false), class("b.Été", "Été.java", true)];
        assert_eq!(choose(&classes, None).ok().as_deref(), Some("b.Été"));
    }

    #[test]
    fn with_several_it_asks_which_and_takes_any_way_of_naming_one() {
        let classes =
            [class("b.Two", "Two.java", true), class("a.One", "One.java", true), class("C$In", "C.java", true)];
        let Err(BuildFailure::SeveralMains { candidates }) = choose(&classes, None) else { panic!("several") };
        assert_eq!(candidates, ["C$In", "a.One", "b.Two"]);
        for (wanted, name) in
            [("Two", "b.Two"), ("a.One", "a.One"), ("a/One", "a.One"), ("C.java", "C$In"), ("C.In", "C$In")]
        {
            assert_eq!(choose(&classes, Some(wanted)).ok().as_deref(), Some(name), "{wanted}");
        }
        let Err(BuildFailure::UnknownMain { candidates, .. }) = choose(&classes, Some("Three")) else {
            panic!("unknown")
        };
        assert_eq!(candidates.len(), 3);
    }

    #[test]
    fn with_none_it_says_so_and_what_is_almost_one() {
        let mut almost = class("Main", "Main.java", false);
        almost.almost_main = Some("it is not static");
        let Err(failure) = choose(&[almost], None) else { panic!("none") };
        assert!(failure.message().contains("Main has a main method, but it is not static"), "{}", failure.message());
        assert!(choose(&[], None).is_err());
    }

    #[test]
    fn a_simple_name_in_two_packages_is_still_a_question() {
        let classes = [class("a.Main", "Main.java", true), class("b.Main", "Main.java", true)];
        assert!(matches!(choose(&classes, Some("Main")), Err(BuildFailure::SeveralMains { .. })));
        assert_eq!(choose(&classes, Some("b.Main")).ok().as_deref(), Some("b.Main"));
    }
}
