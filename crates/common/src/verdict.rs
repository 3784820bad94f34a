//! Verdicts and their precedence.

use serde::{Deserialize, Serialize};

/// The outcome of a test or of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "verdict", rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Accepted.
    Ac,
    /// Partly right.
    Pa,
    /// Wrong answer.
    Wa,
    /// Time limit exceeded, CPU or wall.
    Tle,
    /// Memory limit exceeded, by the cgroup's own counter or a managed runtime's heap.
    Mle,
    /// Output limit exceeded.
    Ole,
    /// Non-zero exit code or death by a signal.
    Rte,
    /// Does not compile.
    Ce,
    /// Not run: a group that it requires failed, or its time has not come.
    Sk,
    /// The judge failed, never the student.
    Ie,
}

impl Verdict {
    /// Rank when several are true of one test: the smallest wins.
    /// `IE > CE > OLE > MLE > TLE > RTE > WA > PA > AC`; `SK` says that nothing ran, so it comes last.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Ie => 0,
            Self::Ce => 1,
            Self::Ole => 2,
            Self::Mle => 3,
            Self::Tle => 4,
            Self::Rte => 5,
            Self::Wa => 6,
            Self::Pa => 7,
            Self::Ac => 8,
            Self::Sk => 9,
        }
    }

    /// The wire form: two or three capital letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ac => "AC",
            Self::Pa => "PA",
            Self::Wa => "WA",
            Self::Tle => "TLE",
            Self::Mle => "MLE",
            Self::Ole => "OLE",
            Self::Rte => "RTE",
            Self::Ce => "CE",
            Self::Sk => "SK",
            Self::Ie => "IE",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Ac, Ce, Ie, Mle, Ole, Pa, Rte, Sk, Tle, Wa};

    #[test]
    fn precedence_is_the_one_that_the_contract_states() {
        let mut all = [Ac, Wa, Rte, Tle, Mle, Ole, Ce, Ie, Pa, Sk];
        all.sort_by_key(|v| v.rank());
        assert_eq!(all, [Ie, Ce, Ole, Mle, Tle, Rte, Wa, Pa, Ac, Sk]);
    }

    #[test]
    fn the_wire_form_and_the_printed_form_are_one() {
        for v in [Ac, Pa, Wa, Tle, Mle, Ole, Rte, Ce, Sk, Ie] {
            let json = serde_json::to_string(&v).expect("serialises");
            assert_eq!(json, format!("\"{v}\""));
            assert_eq!(serde_json::from_str::<Verdict>(&json).expect("parses"), v);
        }
    }
}
