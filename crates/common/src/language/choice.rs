//! Which of the languages that there are an installation offers.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde::Deserialize;

/// Stands for every language that there is.
const ALL: &str = "all";

/// What the operator chose (`ITERATIONE_LANGUAGES`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub enum Choice {
    /// Nothing: those that are core.
    #[default]
    Core,
    /// Every one.
    All,
    /// These.
    Named(BTreeSet<String>),
}

impl TryFrom<Vec<String>> for Choice {
    type Error = anyhow::Error;

    fn try_from(ids: Vec<String>) -> anyhow::Result<Self> {
        Self::new(&ids)
    }
}

impl Choice {
    /// From a list of ids; empty for the core languages, `all` for all.
    pub fn new(ids: &[String]) -> anyhow::Result<Self> {
        match ids {
            [] => Ok(Self::Core),
            [one] if one == ALL => Ok(Self::All),
            _ => {
                ensure!(
                    ids.iter().all(|id| id != ALL),
                    "\"{ALL}\" stands for every language: name no others beside it"
                );
                Ok(Self::Named(ids.iter().cloned().collect()))
            }
        }
    }

    /// Whether a language is chosen.
    pub fn takes(&self, id: &str, core: bool) -> bool {
        match self {
            Self::Core => core,
            Self::All => true,
            Self::Named(ids) => ids.contains(id),
        }
    }

    /// Fails if one is named that is not there.
    pub fn check<'a>(&self, there: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
        let Self::Named(ids) = self else { return Ok(()) };
        let there: BTreeSet<_> = there.collect();
        let unknown: Vec<_> = ids.iter().map(String::as_str).filter(|id| !there.contains(id)).collect();
        let there = there.iter().copied().collect::<Vec<_>>().join(", ");
        ensure!(unknown.is_empty(), "there is no language {}; there are: {there}", unknown.join(", "));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(ids: &[&str]) -> anyhow::Result<Choice> {
        Choice::new(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_means_the_core_all_means_all_and_names_mean_themselves() {
        let taken = |ids: &[&str], id, core| choice(ids).expect("valid").takes(id, core);
        assert!(taken(&[], "c", true) && !taken(&[], "r", false));
        assert!(taken(&["all"], "c", true) && taken(&["all"], "r", false));
        assert!(taken(&["r", "go"], "r", false) && !taken(&["r", "go"], "c", true));
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_what_there_is() {
        let error = choice(&["go", "cobol"]).and_then(|c| c.check(["go", "c"].into_iter())).expect_err("unknown");
        assert_eq!(error.to_string(), "there is no language cobol; there are: c, go");
        assert!(choice(&["all", "c"]).is_err());
        assert!(choice(&["go"]).and_then(|c| c.check(["go", "c"].into_iter())).is_ok());
    }
}
