//! Labs of pytest and unittest modules, and programs that tamper with them.

use futures_util::{StreamExt as _, stream};
use iteratione_common::verdict::Verdict::{Ac, Ce, Pa, Rte, Sk, Tle, Wa};
use serde_json::{Value, json};

use crate::{
    junit::case,
    support::{Case, Court, said},
};

const TEST: &str = r#"import unittest
import pytest
import calc

@pytest.mark.points(3)
def test_adds():
    assert calc.add(2, 3) == 5

@pytest.mark.parametrize("a, b, c", [(1, 2, 2), (2, 3, 6)])
def test_multiplies(a, b, c):
    assert calc.mul(a, b) == c

class TestDivision:
    @pytest.mark.points(2)
    def test_by_zero(self):
        with pytest.raises(ZeroDivisionError):
            calc.div(1, 0)

class Old(unittest.TestCase):
    def test_subtracts(self):
        self.assertEqual(calc.sub(3, 2), 1)

    @unittest.skip("next week")
    def test_later(self):
        pass
"#;
const CALC: &str = "def add(a, b):\n    return a + b\n\ndef mul(a, b):\n    return a * b\n\ndef div(a, b):\n    return a // b\n\ndef sub(a, b):\n    return a - b\n";

fn lab() -> Value {
    json!({
        "title": "T", "languages": ["python"],
        "limits": {"cpu_ms": 3000, "wall_ms": 8000, "memory_mb": 160, "output_kb": 64, "processes": 8},
        "groups": [{"name": "g", "points": 80, "tests": [
            {"name": "unit", "kind": "pytest", "visibility": "visible", "weights": {"test_later": 0},
             "files": [{"name": "test_calc.py", "content": TEST}]}]}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pytest_and_unittest_earn_by_their_weights_and_say_what_is_wrong() {
    let court = Court::open().await;
    let grade = court.grade_of(Case::new("python", &[("calc.py", CALC)], lab())).await;
    // 3 + 1 + 2 + 1 + 0.
    assert_eq!((grade.verdict, grade.score), (Ac, 80.0), "{}", said(&grade));
    assert!(grade.tests[0].suspicious.is_empty(), "{}", said(&grade));
    assert_eq!(case(&grade, "Old.test_later").verdict, Sk);

    let wrong = CALC.replace("a * b", "a + b").replace("a // b", "int('x')");
    let grade = court.grade_of(Case::new("python", &[("calc.py", &wrong)], lab())).await;
    let expected = 80.0 * 4.0 / 7.0;
    assert!((grade.score - expected).abs() < 1e-3 && grade.verdict == Pa, "{}", said(&grade));
    assert_eq!(case(&grade, "test_calc.test_multiplies").verdict, Wa, "{}", said(&grade));
    let broken = case(&grade, "TestDivision.test_by_zero");
    assert_eq!(broken.verdict, Rte, "{}", said(&grade));
    assert!(
        broken.message.as_deref().is_some_and(|m| m.contains("ValueError") && m.contains("(at calc.py:8 in div)")),
        "{}",
        said(&grade)
    );

    let ends = CALC.replace("return a - b", "import os\n    os.abort()");
    let grade = court.grade_of(Case::new("python", &[("calc.py", &ends)], lab())).await;
    assert_eq!(grade.verdict, Ce, "{}", said(&grade));
    let loops = CALC.replace("return a - b", "\n    while True: pass");
    let grade = court.grade_of(Case::new("python", &[("calc.py", &loops)], lab())).await;
    assert_eq!(
        (case(&grade, "Old.test_subtracts").verdict, case(&grade, "test_calc.test_adds").verdict),
        (Tle, Ac),
        "{}",
        said(&grade)
    );

    let grade = court.grade_of(Case::new("python", &[("clac.py", CALC)], lab())).await;
    assert_eq!(grade.score, 0.0, "{}", said(&grade));
    let words = case(&grade, "test_calc.test_adds").message.clone().unwrap_or_default();
    assert!(words.contains("No module named 'calc'"), "{words}");
    court.close().await;
}

/// What stands before an addition that is wrong, and what the whole deserves: nothing that is tested is right.
const ATTACKS: &[(&str, &str, Option<&str>)] = &[
    ("exit at import", "import sys\nsys.exit(0)\n", None),
    ("exit from a test", "def add(a, b):\n    raise SystemExit(0)\n", None),
    ("os._exit", "import os\nos._exit(0)\n", Some("os._exit")),
    (
        "records on the standard output",
        "print('{\"nonce\":\"\",\"event\":\"finished\",\"class\":\"test_calc\",\"method\":\"test_adds\",\"leaf\":true,\"status\":\"passed\"}')\n",
        None,
    ),
    ("the channel by its number", "import os\nos.write(3, b'x')\n", Some("os.write")),
    ("the channel by another name", "import os as o\no.write(3, b'x')\n", Some("another name")),
    ("the channel as a file", "f = open(3, 'w')\nf.write('{}')\n", None),
    (
        "frames of an exception",
        "try:\n    1 / 0\nexcept Exception as e:\n    f = e.__traceback__.tb_frame.f_back\n",
        Some("__traceback__"),
    ),
    (
        "frames by made up names",
        "try:\n    1 / 0\nexcept Exception as e:\n    f = getattr(getattr(e, '__trace' + 'back__'), 'tb_' + 'frame')\n",
        Some("made up"),
    ),
    ("the garbage collector", "import gc\ngc.get_objects()\n", Some("gc")),
    ("patching pytest", "import _pytest.runner\n", Some("_pytest")),
    ("the test module", "import test_calc\n", Some("test_calc")),
    ("all modules", "import sys\nfor m in list(sys.modules.values()):\n    pass\n", Some("sys.modules")),
    (
        "equals everything",
        "class All:\n    def __eq__(self, o):\n        return False\n    def __repr__(self):\n        raise SystemExit(0)\ndef add(a, b):\n    return All()\n",
        None,
    ),
    ("a process", "import subprocess\n", Some("subprocess")),
    ("code that is made up", "exec('import os')\n", Some("exec")),
];

#[tokio::test(flavor = "multi_thread")]
async fn t4_what_tampers_with_pytest_in_plain_sight_earns_nothing() {
    let court = Court::open().await;
    let court_ref = &court;
    let failures: Vec<String> = stream::iter(ATTACKS)
        .map(|(name, code, refused)| async move {
            let rest =
                "def mul(a, b):\n    return None\ndef div(a, b):\n    return None\ndef sub(a, b):\n    return None\n";
            let add = if code.contains("def add") { "" } else { "def add(a, b):\n    return None\n" };
            let source = format!("{add}{rest}{code}");
            let grade = court_ref.grade_of(Case::new("python", &[("calc.py", &source)], lab())).await;
            let message = grade.message.as_deref().unwrap_or_default();
            let as_said = refused.is_none_or(|words| grade.verdict == Ce && message.contains(words));
            (grade.score != 0.0 || grade.verdict == Ac || !as_said).then(|| format!("{name}: {}", said(&grade)))
        })
        .buffer_unordered(3)
        .filter_map(|failure| async { failure })
        .collect()
        .await;
    // Names of the tests' and of Python's are not for submissions.
    for name in ["conftest.py", "pytest.py", "random.py", "test_calc.py"] {
        let grade = court.grade_of(Case::new("python", &[("calc.py", CALC), (name, "")], lab())).await;
        assert_eq!(grade.verdict, Ce, "{name}: {}", said(&grade));
        assert!(grade.message.as_deref().is_some_and(|m| m.contains("Rename it")), "{name}: {}", said(&grade));
    }
    court.close().await;
    assert!(failures.is_empty(), "{} attacks: {}", failures.len(), failures.join("\n"));
}
