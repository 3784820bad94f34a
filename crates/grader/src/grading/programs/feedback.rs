//! The feedback folder: what a judging program says besides its exit code. Names are those of the Kattis problem package
//! format 2025-09, "Feedback files".

use super::Fault;
use crate::grading::kept;

const JUDGE_MESSAGE: &str = "judgemessage.txt";
const TEAM_MESSAGE: &str = "teammessage.txt";
const SCORE: &str = "score.txt";
const SCORE_MULTIPLIER: &str = "score_multiplier.txt";
const NEXT_PASS: &str = "nextpass.in";

/// Bytes of a number that somebody may still want to read.
const NUMBER_BYTES: usize = 400;

/// What was left in the folder.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::grading) struct Feedback {
    /// For the instructor.
    pub(in crate::grading) judge: Option<String>,
    /// For the student.
    pub(in crate::grading) team: Option<String>,
    score: Option<f64>,
    multiplier: Option<f64>,
    /// The next pass' input.
    pub(in crate::grading) next: Option<Vec<u8>>,
    /// Everything but that: a later pass finds it.
    pub(in crate::grading) files: Vec<(String, Vec<u8>)>,
}

impl Feedback {
    pub(super) fn read(files: Vec<(String, Vec<u8>)>) -> Result<Self, Fault> {
        let mut feedback = Self::default();
        for (path, content) in files {
            match path.as_str() {
                JUDGE_MESSAGE => feedback.judge = text(&content),
                TEAM_MESSAGE => feedback.team = text(&content),
                SCORE => feedback.score = Some(number(SCORE, &content)?),
                SCORE_MULTIPLIER => feedback.multiplier = Some(number(SCORE_MULTIPLIER, &content)?),
                NEXT_PASS => {
                    feedback.next = Some(content);
                    continue;
                }
                _ => {}
            }
            feedback.files.push((path, content));
        }
        if feedback.score.is_some() && feedback.multiplier.is_some() {
            return Err(Fault(format!("it wrote both a {SCORE} and a {SCORE_MULTIPLIER}")));
        }
        Ok(feedback)
    }

    /// The share of a test's points, 0 to 1, that an accepted output earns, when the test is worth so many; and what is
    /// odd about it. Without a score it is all of them.
    pub(in crate::grading) fn earned(&self, worth: f64) -> (f64, Option<String>) {
        let (file, share) = match (self.score, self.multiplier) {
            (Some(score), _) => (SCORE, if worth > 0.0 { score / worth } else { score }),
            (None, Some(multiplier)) => (SCORE_MULTIPLIER, multiplier),
            (None, None) => return (1.0, None),
        };
        if share > 1.0 {
            return (1.0, Some(format!("{file} gives more than the test is worth; it counts as all of its points")));
        }
        (share, None)
    }
}

fn text(content: &[u8]) -> Option<String> {
    let text = kept(content.trim_ascii());
    (!text.is_empty()).then_some(text)
}

/// A number that is not below 0.
fn number(file: &str, content: &[u8]) -> Result<f64, Fault> {
    let word = content.trim_ascii();
    let parsed = std::str::from_utf8(word).ok().filter(|w| w.len() <= NUMBER_BYTES).and_then(|w| w.parse::<f64>().ok());
    match parsed {
        Some(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(Fault(format!(
            "its {file} holds {:?}, which is no number from 0 on",
            kept(&word[..word.len().min(40)])
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Feedback, Fault> {
        Feedback::read(files.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect())
    }

    #[test]
    fn scores_are_on_the_scale_of_the_test_and_multipliers_a_share() {
        let earned = |file: &str, content: &str, worth: f64| read(&[(file, content)]).expect("valid").earned(worth);
        assert_eq!(earned("score.txt", " 7.5\n", 10.0), (0.75, None));
        assert_eq!(earned("score.txt", "0", 10.0), (0.0, None));
        assert_eq!(earned("score.txt", "0.25", 0.0), (0.25, None), "a test without points of its own is worth 1");
        assert_eq!(earned("score_multiplier.txt", "0.5", 10.0), (0.5, None));
        assert_eq!(read(&[]).expect("valid").earned(10.0), (1.0, None));
        let (share, odd) = earned("score.txt", "11", 10.0);
        assert!(share >= 1.0 && odd.is_some_and(|why| why.contains("score.txt")), "no more than all, and it is said");
    }

    #[test]
    fn what_is_no_score_is_a_fault() {
        for content in ["", "x", "-1", "nan", "inf", "1 2", &"1".repeat(500)] {
            assert!(read(&[("score.txt", content)]).is_err(), "{content:?}");
            assert!(read(&[("score_multiplier.txt", content)]).is_err(), "{content:?}");
        }
        assert!(read(&[("score.txt", "1"), ("score_multiplier.txt", "1")]).is_err());
    }

    #[test]
    fn messages_are_text_and_everything_but_the_next_input_is_there_in_the_next_pass() {
        let feedback = read(&[
            ("judgemessage.txt", "  a\0b "),
            ("teammessage.txt", "\n"),
            ("nextpass.in", "5\n"),
            ("state/mine", "s"),
        ])
        .expect("valid");
        assert_eq!((feedback.judge.as_deref(), feedback.team.as_deref()), (Some("a␀b"), None));
        assert_eq!(feedback.next.as_deref(), Some(b"5\n".as_slice()));
        assert_eq!(
            feedback.files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["judgemessage.txt", "teammessage.txt", "state/mine"]
        );
    }
}
