//! Example submissions, as reference solutions with what they must get.

use std::collections::BTreeMap;

use iteratione_common::{
    lab::{Expectation, Solution, SourceFile},
    verdict::Verdict::{self, Ac, Ce, Mle, Ole, Pa, Rte, Tle, Wa},
};

use crate::{
    Files, Package,
    keys::Keys,
    languages::{by_ending, id_of},
    problem::Problem,
};

const SETTINGS: &str = "submissions/submissions.yaml";

/// What a folder's submissions must get. The format knows four verdicts; ours that it calls run-time errors are with them.
fn of_folder(folder: &str, scoring: bool) -> Option<Vec<Verdict>> {
    Some(match folder {
        "accepted" if scoring => vec![Ac, Pa],
        "accepted" => vec![Ac],
        "partially_accepted" => vec![Pa, Wa, Tle, Rte, Mle, Ole],
        "rejected" => vec![Wa, Tle, Rte, Mle, Ole, Ce],
        "wrong_answer" => vec![Wa],
        "time_limit_exceeded" => vec![Tle],
        "run_time_error" => vec![Rte, Mle, Ole],
        "brute_force" => vec![Tle, Rte, Mle],
        "compiler_error" => vec![Ce],
        "memory_limit_exceeded" => vec![Mle],
        "output_limit_exceeded" => vec![Ole],
        _ => return None,
    })
}

/// DOMjudge's word for a verdict.
fn of_domjudge(word: &str) -> Option<&'static [Verdict]> {
    Some(match word {
        "CORRECT" | "ACCEPTED" => &[Ac],
        "WRONG-ANSWER" | "WRONG_ANSWER" | "NO-OUTPUT" => &[Wa],
        "TIMELIMIT" | "TIME_LIMIT_EXCEEDED" => &[Tle],
        "RUN-ERROR" | "RUN_TIME_ERROR" => &[Rte, Mle],
        "MEMORY-LIMIT" => &[Mle],
        "OUTPUT-LIMIT" => &[Ole],
        "COMPILER-ERROR" => &[Ce],
        _ => return None,
    })
}

/// What `submissions.yaml` says of submissions by a pattern.
#[derive(Debug, Default)]
struct Rule {
    pattern: String,
    language: Option<String>,
    main: Option<String>,
    permitted: Option<Vec<String>>,
    required: Option<Vec<String>>,
    score: Option<f64>,
}

/// The solutions.
pub fn read(package: &mut Package<'_>, problem: &Problem, languages: &[String]) -> Vec<Solution> {
    let rules = rules(package);
    let mut programs: BTreeMap<String, Files> = BTreeMap::new();
    for (path, bytes) in package.folder("submissions") {
        let mut steps = path.splitn(3, '/');
        match (steps.next(), steps.next(), steps.next()) {
            (Some(folder), Some(name), Some(inside)) => {
                programs.entry(format!("{folder}/{name}")).or_default().insert(inside.to_owned(), bytes);
            }
            (Some(_), Some(name), None) => {
                let name = name.to_owned();
                programs.entry(path).or_default().insert(name, bytes);
            }
            _ => package
                .notes
                .warn(&format!("submissions/{path}"), "is not used: it lies in no folder that says what it must get"),
        }
    }
    let mut solutions = Vec::new();
    for (path, files) in programs {
        if let Some(solution) = one(package, problem, languages, &rules, &path, files) {
            package.places.insert(format!("/solutions/{}", solutions.len()), format!("submissions/{path}"));
            solutions.push(solution);
        }
    }
    if !solutions.iter().any(|s| s.expect.allowed().first() == Some(&Ac)) {
        package.notes.warn("submissions/accepted", "there is no accepted submission: publishing proves little");
    }
    solutions
}

fn one(
    package: &mut Package<'_>,
    problem: &Problem,
    languages: &[String],
    rules: &[Rule],
    path: &str,
    files: Files,
) -> Option<Solution> {
    let shown = format!("submissions/{path}");
    let folder = path.split('/').next().unwrap_or_default();
    let rules: Vec<&Rule> = rules.iter().filter(|rule| matches(&rule.pattern, path)).collect();
    let said = rules.iter().rev().find_map(|rule| rule.language.as_deref()).map(id_of);
    let language = match said {
        Some(id) => package.installation.languages.get(id).cloned(),
        None => files.keys().find_map(|name| by_ending(package.installation.languages, name)).cloned(),
    };
    let Some(language) = language.filter(|l| languages.contains(&l.id)) else {
        package.notes.warn(&shown, "is not tried: it is in no language of the lab");
        return None;
    };
    let mut sources: Vec<SourceFile> = Vec::new();
    for (inside, bytes) in files {
        let name = inside.rsplit('/').next().unwrap_or(&inside).to_owned();
        if !language.accepts(&name) {
            package.notes.warn(
                &format!("{shown}/{inside}"),
                format!("is not used: it does not end as a {} file does", language.name),
            );
        } else if sources.iter().any(|f| f.name == name) {
            package
                .notes
                .error(&format!("{shown}/{inside}"), "has the name of another file, and submissions have no folders");
        } else {
            match String::from_utf8(bytes) {
                Ok(content) => sources.push(SourceFile { name, content }),
                Err(_) => package.notes.error(&format!("{shown}/{inside}"), "is not UTF-8 text"),
            }
        }
    }
    let main = rules.iter().rev().find_map(|rule| rule.main.clone()).or_else(|| usual_main(&language.id, &sources));
    let expect = expectation(package, problem, &rules, (&shown, folder), &sources)?;
    Some(Solution {
        name: Some(path.chars().take(100).collect()),
        language: language.id.clone(),
        files: sources,
        main,
        expect,
    })
}

/// The format's default entry point, where there are several files.
fn usual_main(language: &str, sources: &[SourceFile]) -> Option<String> {
    let name = match language {
        "java" | "java25" => "Main.java",
        "python" => "__main__.py",
        _ => return None,
    };
    let there = sources.len() > 1 && sources.iter().any(|f| f.name == name);
    there.then(|| name.trim_end_matches(".java").to_owned())
}

fn expectation(
    package: &mut Package<'_>,
    problem: &Problem,
    rules: &[&Rule],
    (shown, folder): (&str, &str),
    sources: &[SourceFile],
) -> Option<Expectation> {
    if let Some(marked) = marked(package, shown, sources) {
        return Some(marked);
    }
    let mut verdicts = of_folder(folder, problem.scoring);
    let mut score = None;
    for rule in rules {
        if let Some(allowed) = allowed(rule, problem.scoring) {
            // The folder's own name replaces what it says by default; any other pattern is on top of it.
            verdicts = match verdicts {
                Some(before) if rule.pattern != folder => {
                    Some(before.into_iter().filter(|v| allowed.contains(v)).collect())
                }
                _ => Some(allowed),
            };
        }
        score = rule.score.or(score);
    }
    match verdicts {
        None => {
            package.notes.warn(shown, "is not tried: nothing says what it must get");
            None
        }
        Some(verdicts) if verdicts.is_empty() => {
            package.notes.error(shown, "what submissions.yaml says of it cannot all be true");
            None
        }
        Some(verdicts) => Some(Expectation { score, verdict: None, verdicts }),
    }
}

/// The verdicts of a submission, which is the first failing test's, by what its tests may and must get.
fn allowed(rule: &Rule, scoring: bool) -> Option<Vec<Verdict>> {
    const ALL: [&str; 4] = ["AC", "WA", "TLE", "RTE"];
    if rule.permitted.is_none() && rule.required.is_none() {
        return None;
    }
    let list = |given: &Option<Vec<String>>| given.clone().unwrap_or_else(|| ALL.map(str::to_owned).to_vec());
    let (permitted, required) = (list(&rule.permitted), list(&rule.required));
    let mut verdicts = Vec::new();
    for word in permitted {
        match word.as_str() {
            // All tests may be accepted only if that is all that is required.
            "AC" if required.iter().any(|r| r == "AC") => {
                verdicts.extend(if scoring { vec![Ac, Pa] } else { vec![Ac] });
            }
            "WA" => verdicts.push(Wa),
            "TLE" => verdicts.push(Tle),
            "RTE" => verdicts.extend([Rte, Mle, Ole]),
            _ => {}
        }
    }
    Some(verdicts)
}

/// DOMjudge's comment in a source: it goes before everything else.
fn marked(package: &mut Package<'_>, shown: &str, sources: &[SourceFile]) -> Option<Expectation> {
    let after = |mark: &str| {
        sources
            .iter()
            .flat_map(|f| f.content.lines())
            .find_map(|line| line.split_once(mark).map(|(_, rest)| rest.to_owned()))
    };
    if let Some(results) = after("@EXPECTED_RESULTS@:") {
        let mut verdicts: Vec<Verdict> = Vec::new();
        let words = results.trim_end_matches("*/").trim_end_matches("-->").split([',', ' ', '\t']);
        for word in words.map(str::trim).filter(|word| !word.is_empty()) {
            if let Some(found) = of_domjudge(&word.to_ascii_uppercase()) {
                let new: Vec<Verdict> = found.iter().filter(|v| !verdicts.contains(v)).copied().collect();
                verdicts.extend(new);
            } else {
                let word: String = word.chars().take(40).collect();
                package.notes.error(shown, format!("@EXPECTED_RESULTS@: {word:?} is no result of DOMjudge's"));
            }
        }
        return (!verdicts.is_empty()).then_some(Expectation { score: None, verdict: None, verdicts });
    }
    let score = after("@EXPECTED_SCORE@:")?;
    match score.trim_end_matches("*/").trim().parse::<f64>() {
        Ok(score) if score.is_finite() => Some(Expectation { score: Some(score), ..Expectation::default() }),
        _ => {
            package.notes.error(shown, "@EXPECTED_SCORE@ must be a number");
            None
        }
    }
}

fn rules(package: &mut Package<'_>) -> Vec<Rule> {
    let Some(text) = package.text(SETTINGS) else { return Vec::new() };
    let Some(keys) = Keys::read(SETTINGS, &text, package.notes) else { return Vec::new() };
    let mut rules = Vec::new();
    let mut all = keys.into_map();
    let patterns: Vec<String> = all.keys().cloned().collect();
    for pattern in patterns {
        let one: serde_json::Map<_, _> = all.remove_entry(&pattern).into_iter().collect();
        let mut holder = Keys::of(SETTINGS, one);
        let Some(mut keys) = holder.inside(&pattern, package.notes) else { continue };
        let mut rule = Rule {
            language: keys.text("language", package.notes),
            main: keys.text("entrypoint", package.notes),
            permitted: keys.texts("permitted", package.notes),
            required: keys.texts("required", package.notes),
            pattern,
            score: None,
        };
        match keys.any("score") {
            None => {}
            Some(serde_json::Value::Number(number)) => rule.score = number.as_f64(),
            Some(_) => package.notes.warn(SETTINGS, format!("{}: a range of scores is not checked", rule.pattern)),
        }
        for unused in ["authors", "model_solution", "use_for_time_limit"] {
            keys.any(unused);
        }
        if keys.any("message").is_some() {
            package.notes.warn(SETTINGS, format!("{}: the judge's message is not checked", rule.pattern));
        }
        for group in keys.take_rest() {
            package
                .notes
                .warn(SETTINGS, format!("{}: what it must get in {group:?} alone is not checked", rule.pattern));
        }
        rules.push(rule);
    }
    rules
}

/// Whether a pattern matches a submission or a folder that it is in. `*` is any part of a name, `{a,b}` either.
fn matches(pattern: &str, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    let prefixes: Vec<&str> = ends.map(|end| &path[..end]).collect();
    alternatives(pattern)
        .iter()
        .any(|pattern| prefixes.iter().any(|prefix| glob(pattern.as_bytes(), prefix.as_bytes())))
}

/// A pattern without braces for each way to read those that it has; not endlessly many.
fn alternatives(pattern: &str) -> Vec<String> {
    const MOST: usize = 100;
    let mut found = vec![pattern.to_owned()];
    for _ in 0..10 {
        let Some((at, open, close)) = found.iter().enumerate().find_map(|(i, p)| {
            let open = p.find('{')?;
            let close = p[open..].find('}')? + open;
            Some((i, open, close))
        }) else {
            break;
        };
        let whole = found.swap_remove(at);
        for choice in whole[open + 1..close].split(',').take(MOST - found.len().min(MOST)) {
            found.push(format!("{}{choice}{}", &whole[..open], &whole[close + 1..]));
        }
    }
    found
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    // The place after the last star, and the text from where it was tried.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((after, from)) if text[from] != b'/' => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_submissions_and_the_folders_that_they_are_in() {
        for (pattern, path, matched) in [
            ("accepted", "accepted/a.py", true),
            ("accepted/*", "accepted/a.py", true),
            ("*/a.py", "accepted/a.py", true),
            ("*", "accepted/a.py", true),
            ("accepted/*.cpp", "accepted/a.py", false),
            ("accepted/{a,b}.{py,cpp}", "accepted/b.cpp", true),
            ("accepted/{a,b}.py", "accepted/c.py", false),
            ("acc", "accepted/a.py", false),
            ("a*.py", "accepted/a.py", false),
            ("{{{{{{{{{{{{", "accepted/a.py", false),
        ] {
            assert_eq!(matches(pattern, path), matched, "{pattern} {path}");
        }
    }

    #[test]
    fn what_tests_may_and_must_get_is_what_the_submission_may_get() {
        let rule = |permitted: &[&str], required: &[&str]| {
            let list = |words: &[&str]| (!words.is_empty()).then(|| words.iter().map(|w| (*w).to_owned()).collect());
            allowed(&Rule { permitted: list(permitted), required: list(required), ..Rule::default() }, false)
        };
        assert_eq!(rule(&[], &[]), None);
        assert_eq!(rule(&["AC"], &[]), Some(vec![Ac]));
        assert_eq!(rule(&["AC", "TLE"], &["TLE"]), Some(vec![Tle]));
        assert_eq!(rule(&["AC", "RTE", "TLE"], &["RTE", "TLE"]), Some(vec![Rte, Mle, Ole, Tle]));
        assert_eq!(rule(&[], &["RTE", "TLE", "WA"]), Some(vec![Wa, Tle, Rte, Mle, Ole]));
    }
}
