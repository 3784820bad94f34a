//! Whether jails can be made here and now.

use crate::{config::RuntimePolicy, docker::Engine, pool::Pool};

/// Everything that is wrong, for people; empty is ready.
pub(crate) async fn problems(pool: &Pool) -> Vec<String> {
    let mut problems = obstacles(pool).await;
    if problems.is_empty() {
        for language in pool.languages.iter() {
            if let Err(e) = pool.docker.image(&language.image).await {
                problems.push(e.to_string());
            }
        }
    }
    problems
}

/// What keeps jails of every language from being made. A missing image is none: the other languages go on.
pub(crate) async fn obstacles(pool: &Pool) -> Vec<String> {
    let mut problems = Vec::new();
    match pool.docker.engine().await {
        Ok(engine) => {
            if pool.config.vulnerable_runtime == RuntimePolicy::Refuse {
                problems.extend(runtime_holes(&engine, &pool.config.runtime));
            }
            problems.extend(engine_problems(&engine, &pool.config.runtime));
        }
        Err(e) => problems.push(e.to_string()),
    }
    match pool.workspace.free_mb() {
        Ok(free) if free < pool.config.min_free_mb => {
            let (root, wanted) = (pool.workspace.root().display(), pool.config.min_free_mb);
            problems.push(format!("only {free} MiB are free below {root}; {wanted} are wanted"));
        }
        Ok(_) => {}
        Err(e) => problems.push(format!("the workspace: {e}")),
    }
    problems
}

/// What makes a daemon unfit for jails.
pub(crate) fn engine_problems(engine: &Engine, runtime: &str) -> Vec<String> {
    let mut problems = Vec::new();
    // Without swap accounting a jail may swap, which is slow but not unsafe; the others are what holds a jail.
    for what in engine.missing_limits.iter().filter(|w| **w != "swap") {
        problems.push(format!("the Docker daemon's kernel cannot limit: {what}"));
    }
    if !runtime.is_empty() && !engine.runtimes.iter().any(|r| r == runtime) {
        let known = engine.runtimes.join(", ");
        problems.push(format!("the Docker daemon has no runtime {runtime} (sandbox.runtime); it has {known}"));
    }
    problems
}

/// Published holes of the runtime in use, by its version number.
pub(crate) fn runtime_holes(engine: &Engine, runtime: &str) -> Option<String> {
    let used = if runtime.is_empty() { engine.default_runtime.as_str() } else { runtime };
    if used != "runc" {
        return None;
    }
    let text = engine.runc_version.as_deref()?;
    let holes = runc_holes(text);
    (!holes.is_empty()).then(|| {
        format!(
            "runc {text} has published ways out of a container ({}) unless your distribution mended it",
            holes.join(", ")
        )
    })
}

/// By the version in which each was mended: 1.1.12; 1.2.8, 1.3.3 and 1.4.0-rc.3.
fn runc_holes(version: &str) -> Vec<&'static str> {
    let Some((number, candidate)) = parse(version) else { return Vec::new() };
    let mut holes = Vec::new();
    if number < [1, 1, 12] {
        holes.push("CVE-2024-21626");
    }
    let early_candidate = number == [1, 4, 0] && candidate.is_some_and(|rc| rc < 3);
    if number < [1, 2, 8] || ([1, 3, 0]..[1, 3, 3]).contains(&number) || early_candidate {
        holes.extend(["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"]);
    }
    holes
}

/// `1.4.0-rc.2+ds` → `([1, 4, 0], Some(2))`.
fn parse(version: &str) -> Option<([u32; 3], Option<u32>)> {
    let version = version.trim_start_matches('v').split(['+', '~', ' ']).next()?;
    let (number, suffix) = version.split_once('-').map_or((version, None), |(n, s)| (n, Some(s)));
    let mut parts = number.split('.').map(|p| p.parse::<u32>().ok());
    let number = [parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?];
    let candidate = suffix.and_then(|s| s.strip_prefix("rc")).and_then(|s| s.trim_start_matches('.').parse().ok());
    Some((number, candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(runc: &str) -> Engine {
        Engine {
            runtimes: vec!["runc".to_owned(), "crun".to_owned()],
            default_runtime: "runc".to_owned(),
            runc_version: Some(runc.to_owned()),
            ..Engine::default()
        }
    }

    #[test]
    fn known_holes_are_told_by_version() {
        for (version, count) in [
            ("1.1.5+ds1", 4),
            ("1.1.12", 3),
            ("1.2.8", 0),
            ("1.3.2", 3),
            ("1.3.3", 0),
            ("1.4.0-rc.2", 3),
            ("1.4.0-rc.3", 0),
            ("1.4.0", 0),
            ("1.5", 0),
        ] {
            assert_eq!(runc_holes(version).len(), count, "{version}");
        }
        assert!(runc_holes("unknown").is_empty());
    }

    #[test]
    fn another_runtime_is_not_judged_by_the_version_of_runc() {
        assert!(runtime_holes(&engine("1.1.5"), "").is_some());
        assert!(runtime_holes(&engine("1.1.5"), "crun").is_none());
    }

    #[test]
    fn a_daemon_that_cannot_hold_a_jail_is_unfit_but_swap_alone_is_no_reason() {
        let mut engine = engine("1.3.3");
        assert!(engine_problems(&engine, "").is_empty());
        engine.missing_limits = vec!["swap"];
        assert!(engine_problems(&engine, "crun").is_empty());
        engine.missing_limits = vec!["memory", "swap"];
        assert_eq!(engine_problems(&engine, "runsc").len(), 2);
    }
}
