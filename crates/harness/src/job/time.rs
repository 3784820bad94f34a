//! When a tree is looked at, and when its time is up.

use std::time::Duration;

/// The CPU time is looked at when it could first be used up, but not more often.
const CPU_LEAST: Duration = Duration::from_millis(2);
/// Memory is looked at often in the beginning, because short programs are the most ...
const MEMORY_LEAST: Duration = Duration::from_millis(1);
/// ... then each time that so many times as much time has passed ...
const MEMORY_SHARE: u32 = 20;
/// ... but never more seldom than this ...
pub const MEMORY_MOST: Duration = Duration::from_millis(20);
/// ... or this, if a human is at it: of these there are many at once, and most of them wait.
pub const MEMORY_MOST_OF_TERMINALS: Duration = Duration::from_secs(1);
/// CPU time beyond the limit that is still measured before a tree is killed: so much, or a twentieth of the limit.
const CPU_SLACK: Duration = Duration::from_millis(100);
/// Wall time that is given back at most to a program that was ready to run and was not let.
const GIVEN_BACK_MOST: Duration = Duration::from_secs(5);
/// Waiting for less than this share of the limit is what every process does.
const ORDINARY_WAIT: u32 = 10;

/// Where a tree is killed. What has used more than `limit` is stopped for it in either case, but a program that just
/// misses it ends by itself, and how much it misses it by is known.
pub fn hard(limit: Duration) -> Duration {
    limit.saturating_add(CPU_SLACK.max(limit / 20))
}

/// How much of the time for which it was `held_back` a program has on top of its wall limit. As much again at most, and
/// the host's patience is bounded.
pub fn given_back(limit: Duration, held_back: Duration) -> Duration {
    if held_back < limit / ORDINARY_WAIT { Duration::ZERO } else { held_back.min(limit).min(GIVEN_BACK_MOST) }
}

/// When to look next at a tree that began `elapsed` ago and may use `cpu_left` more.
pub fn pause(elapsed: Duration, cpu_left: Duration, cpus: u32, most: Duration) -> Duration {
    let memory = (elapsed / MEMORY_SHARE).clamp(MEMORY_LEAST, most);
    memory.min((cpu_left / cpus.max(1)).max(CPU_LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_cpu_time_is_looked_at_when_it_could_first_be_used_up() {
        let late = ms(10_000);
        assert_eq!(pause(late, ms(2000), 2, MEMORY_MOST), MEMORY_MOST);
        assert_eq!(pause(late, ms(30), 2, MEMORY_MOST), ms(15));
        assert_eq!(pause(late, ms(30), 64, MEMORY_MOST), CPU_LEAST);
        assert_eq!(pause(late, ms(0), 0, MEMORY_MOST), CPU_LEAST);
    }

    #[test]
    fn memory_is_looked_at_often_at_first_and_then_less_often() {
        let far = ms(60_000);
        assert_eq!(
            [0, 20, 60, 200, 400, 9000].map(|t| pause(ms(t), far, 2, MEMORY_MOST)),
            [1, 1, 3, 10, 20, 20].map(ms)
        );
        let (mut at, mut looks) = (Duration::ZERO, 0);
        while at < ms(1000) {
            at += pause(at, far, 2, MEMORY_MOST);
            looks += 1;
        }
        assert!(looks < 120, "{looks} looks in a second");
    }

    #[test]
    fn a_terminal_that_idles_is_looked_at_each_second_and_one_that_works_when_its_time_may_be_up() {
        let (late, most) = (ms(100_000), MEMORY_MOST_OF_TERMINALS);
        assert_eq!(pause(late, ms(60_000), 2, most), ms(1000));
        assert_eq!(pause(late, ms(300), 2, most), ms(150));
        assert_eq!(pause(ms(2000), ms(60_000), 2, most), ms(100));
        let (mut at, mut looks) = (Duration::ZERO, 0);
        while at < ms(120_000) {
            at += pause(at, ms(60_000), 2, most);
            looks += 1;
        }
        assert!(looks < 350, "{looks} looks in two minutes");
    }

    #[test]
    fn a_tree_is_killed_a_little_beyond_its_limit() {
        assert_eq!([0, 100, 1000, 2000, 10_000].map(|l| hard(ms(l))), [100, 200, 1100, 2100, 10_500].map(ms));
    }

    #[test]
    fn only_a_program_that_was_held_back_has_more_wall_time_and_not_without_end() {
        assert_eq!(given_back(ms(1000), ms(99)), ms(0));
        assert_eq!(given_back(ms(1000), ms(400)), ms(400));
        assert_eq!(given_back(ms(1000), ms(9000)), ms(1000));
        assert_eq!(given_back(ms(60_000), ms(50_000)), GIVEN_BACK_MOST);
    }
}
