//! The command line of the Kattis package format's default output validator, as a checker. Specification 2025-09, "Default
//! output validator specification".

use super::Checker;

impl Checker {
    /// What the default output validator does when it is called with these arguments; the error says which of them it would
    /// not take. Without any it does not mind case.
    pub fn of_default_validator<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let (mut abs, mut rel, mut both) = (None, None, None);
        let (mut case_sensitive, mut space_sensitive) = (false, false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let tolerance = match argument {
                "case_sensitive" => {
                    case_sensitive = true;
                    continue;
                }
                "space_change_sensitive" => {
                    space_sensitive = true;
                    continue;
                }
                "float_absolute_tolerance" => &mut abs,
                "float_relative_tolerance" => &mut rel,
                "float_tolerance" => &mut both,
                _ => return Err(format!("{argument:?} is no argument of the default output validator")),
            };
            let value = arguments.next().ok_or_else(|| format!("{argument} needs a number behind it"))?;
            let number = value.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
            let number = number.ok_or_else(|| format!("{argument} needs a number from 0 on, not {value:?}"))?;
            if tolerance.replace(number).is_some() {
                return Err(format!("{argument} is given twice"));
            }
        }
        if both.is_some() && (abs.is_some() || rel.is_some()) {
            return Err("float_tolerance is given beside another tolerance".to_owned());
        }
        Ok(Self::Tokens { float_abs: abs.or(both), float_rel: rel.or(both), case_sensitive, space_sensitive })
    }

    /// The arguments by which the default output validator would compare in the same way; `None` if none do.
    pub fn default_validator_arguments(&self) -> Option<Vec<String>> {
        let Self::Tokens { float_abs, float_rel, case_sensitive, space_sensitive } = self else { return None };
        let mut arguments = Vec::new();
        for (flag, given) in [("case_sensitive", case_sensitive), ("space_change_sensitive", space_sensitive)] {
            arguments.extend(given.then(|| flag.to_owned()));
        }
        for (flag, tolerance) in [("float_absolute_tolerance", float_abs), ("float_relative_tolerance", float_rel)] {
            if let Some(tolerance) = tolerance {
                arguments.extend([flag.to_owned(), format!("{tolerance:e}")]);
            }
        }
        Some(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Checker, String> {
        Checker::of_default_validator(line.split_ascii_whitespace())
    }

    #[test]
    fn arguments_are_read_and_written_back() {
        let tokens = |float_abs, float_rel, case_sensitive, space_sensitive| {
            Ok(Checker::Tokens { float_abs, float_rel, case_sensitive, space_sensitive })
        };
        for (line, checker) in [
            ("", tokens(None, None, false, false)),
            ("case_sensitive", tokens(None, None, true, false)),
            ("space_change_sensitive case_sensitive", tokens(None, None, true, true)),
            ("float_tolerance 1e-6", tokens(Some(1e-6), Some(1e-6), false, false)),
            ("float_absolute_tolerance 0.5 float_relative_tolerance 1E-9", tokens(Some(0.5), Some(1e-9), false, false)),
        ] {
            assert_eq!(of(line), checker, "{line}");
            let back = checker.expect("valid").default_validator_arguments().expect("tokens").join(" ");
            assert_eq!(of(&back), of(line), "{line} as {back}");
        }
        assert_eq!(Checker::Exact {}.default_validator_arguments(), None);
    }

    #[test]
    fn what_the_default_validator_would_not_take_is_refused() {
        for (line, says) in [
            ("case_insensitive", "no argument"),
            ("1e-6", "no argument"),
            ("float_tolerance", "behind it"),
            ("float_tolerance x", "from 0 on"),
            ("float_tolerance -1", "from 0 on"),
            ("float_tolerance nan", "from 0 on"),
            ("float_tolerance 1 float_tolerance 1", "twice"),
            ("float_tolerance 1 float_absolute_tolerance 1", "beside"),
        ] {
            assert!(of(line).is_err_and(|why| why.contains(says)), "{line}");
        }
    }
}
