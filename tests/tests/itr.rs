//! `itr`, the instructors' command line, against a real judge: from signing in to what students hand in.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use iteratione_demo::{INSTRUCTOR, PASSWORD};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    classroom::{Classroom, grade, text},
    programs::Program,
    settings::Settings,
    stack::{Setup, Stack, with_stack},
};
use tokio::process::Command;

const WITHIN: Duration = Duration::from_secs(180);

/// A lab as people write it: a document, and what belongs to it beside it.
const SUM: [(&str, &str); 8] = [
    (
        "lab.yaml",
        "title: Sum of two\nlanguages: [python]\nlimits: {cpu_ms: 2000, wall_ms: 20000}\nattempts: {per_hour: null}\n\
         groups:\n- name: basics\n  points: 40\n  scoring: all\n",
    ),
    ("statement.md", "Read two integers, print their sum.\n"),
    ("starter/python/main.py", "a, b = map(int, input().split())\n"),
    ("tests/basics/1.in", "-7 5\n"),
    ("tests/basics/1.ans", "-2\n"),
    ("tests/sample/1.in", "1 2\n"),
    ("tests/sample/1.ans", "3\n"),
    ("solutions/accepted/right.py", "print(sum(map(int, input().split())))\n"),
];

/// A terminal of somebody who has `itr`.
struct Shell {
    program: PathBuf,
    home: TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Shell {
    fn new() -> Self {
        Self { program: Settings::read().program("itr"), home: tempfile::tempdir().expect("a folder") }
    }

    async fn itr(&self, arguments: &[&str]) -> Said {
        self.itr_with(arguments, &[]).await
    }

    async fn itr_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        let running = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(environment.iter().copied())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(WITHIN, running).await.expect("itr ends").expect("itr runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }

    /// A command that must succeed.
    async fn done(&self, line: &str) -> String {
        let said = self.itr(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!(said.code, Some(0), "itr {line}: {said:?}");
        said.out
    }

    /// A command that finds something wrong.
    async fn bad(&self, line: &str) -> String {
        let said = self.itr(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!(said.code, Some(1), "itr {line}: {said:?}");
        said.out
    }

    async fn signed_in(stack: &Stack) -> Self {
        let shell = Self::new();
        let login = shell.itr_with(&["login", &stack.url, "--email", INSTRUCTOR], &[("ITR_PASSWORD", PASSWORD)]).await;
        assert!(login.code == Some(0) && login.out.contains(INSTRUCTOR), "{login:?}");
        shell
    }

    fn write(&self, folder: &str, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.home.path().join(folder).join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

async fn labs(class: &Classroom) -> usize {
    let path = format!("/courses/{}/labs", class.course);
    class.instructor.get(&path).await.expect("labs")["items"].as_array().expect("a list").len()
}

#[test]
fn a_token_is_kept_for_its_owner_alone_and_ended_by_signing_out() {
    with_stack(Setup { graders: 0, ..Setup::default() }, WITHIN, async |stack| {
        let shell = Shell::signed_in(stack).await;
        let path = shell.home.path().join(".config/itr/config.toml");
        assert_eq!(fs::metadata(&path).expect("kept").permissions().mode() & 0o777, 0o600);
        let kept = fs::read_to_string(&path).expect("text");
        let token =
            kept.lines().find_map(|line| line.strip_prefix("token = ")).expect("a token").trim_matches('"').to_owned();
        assert!(token.starts_with("itr_") && !kept.contains(PASSWORD), "{kept}");

        assert_eq!(json(&shell.done("whoami --json").await)["email"], INSTRUCTOR);
        let tokens = stack.instructor().await.get("/me/tokens").await.expect("tokens");
        assert_eq!(tokens["items"].as_array().map(Vec::len), Some(1), "{tokens}");
        shell.done("logout").await;
        assert!(!fs::read_to_string(&path).expect("text").contains("itr_"));
        let said = shell.itr(&["whoami"]).await;
        assert!(said.code == Some(2) && said.err.contains("itr login"), "{said:?}");
        let ended = shell.itr_with(&["whoami"], &[("ITR_URL", &stack.url), ("ITR_TOKEN", &token)]).await;
        assert!(ended.code == Some(2) && ended.err.contains("HTTP 401"), "{ended:?}");

        let wrong = shell.itr_with(&["login", &stack.url, "--email", INSTRUCTOR], &[("ITR_PASSWORD", "no")]).await;
        assert!(wrong.code == Some(2) && wrong.err.contains("the address and the password"), "{wrong:?}");
        let made = stack.instructor().await.post("/me/tokens", &json!({"name": "by hand"})).await.expect("a token");
        let by_token = shell.itr(&["login", &stack.url, "--token", &text(&made, "token")]).await;
        assert_eq!(by_token.code, Some(0), "{by_token:?}");
    });
}

#[test]
fn a_folder_becomes_a_lab_once_nothing_is_wrong_with_it() {
    with_stack(Setup::default(), WITHIN, async |stack| {
        let class = stack.classroom("cs1", 1).await;
        let shell = Shell::signed_in(stack).await;
        assert!(shell.done("courses").await.contains("cs1"));
        shell.write("sum", &SUM);

        // What is wrong is named by the file in which it is, and nothing is stored.
        shell.write("sum", &[("starter/python/a b.txt.", "x"), ("solutions/score-900/odd.py", "print(1)\n")]);
        let said = shell.bad("lab push sum").await;
        for file in ["starter/python/a b.txt.", "solutions/score-900/odd.py"] {
            assert!(said.lines().any(|line| line.starts_with("error") && line.contains(file)), "{file}: {said}");
        }
        assert_eq!(labs(&class).await, 0);
        let problem = json(&shell.bad("lab push sum --dry-run --json").await);
        assert_eq!(problem["code"], "invalid", "{problem}");
        for wrong in ["starter/python/a b.txt.", "solutions/score-900/odd.py"] {
            fs::remove_file(shell.home.path().join("sum").join(wrong)).expect("removed");
        }
        fs::remove_dir(shell.home.path().join("sum/solutions/score-900")).expect("removed");
        assert!(shell.done("lab push sum --dry-run").await.contains("nothing was stored"));
        assert_eq!(labs(&class).await, 0);

        // A solution that claims what it does not get is caught where no student sees it.
        shell.write("sum", &[("solutions/time_limit_exceeded/quick.py", "print(0)\n")]);
        let report = shell.bad("lab verify sum").await;
        let row =
            |name: &str| report.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {report}"));
        assert!(row("time_limit_exceeded/quick.py").starts_with("WRONG"), "{report}");
        assert!(row("accepted/right.py").starts_with("ok") && row("accepted/right.py").contains(" ms"), "{report}");
        assert_eq!(labs(&class).await, 0, "verifying leaves nothing in a course of others");
        fs::rename(
            shell.home.path().join("sum/solutions/time_limit_exceeded"),
            shell.home.path().join("sum/solutions/wrong_answer"),
        )
        .expect("renamed");
        let verified = json(&shell.done("lab verify sum --json").await);
        assert_eq!(verified["validation"]["ok"], true, "{verified}");
        assert!(verified["measures"][0]["cpu_ms"].is_u64(), "{verified}");
        let verify = stack.instructor().await.get("/courses").await.expect("courses");
        let own =
            verify["items"].as_array().expect("a list").iter().find(|c| text(c, "slug").starts_with("itr-verify"));
        let left =
            stack.instructor().await.get(&format!("/courses/{}/labs", text(own.expect("a course"), "slug"))).await;
        assert_eq!(left.expect("labs")["items"], json!([]), "verifying cleans up");

        // Then to the students; the same folder again changes nothing.
        assert!(shell.done("lab push sum --course cs1 --publish").await.contains("students see it"));
        assert!(shell.done("lab push sum --course cs1").await.contains("as it was"));
        let status = shell.done("lab status cs1/sum").await;
        assert!(status.contains("revision 1 is published") && status.contains("accepted/right.py"), "{status}");

        // What is pulled is what was pushed.
        shell.done("lab pull cs1/sum copy").await;
        let pulled = shell.itr(&["lab", "push", "copy", "--course", "cs1", "--slug", "sum"]).await;
        assert!(pulled.code == Some(0) && pulled.out.contains("as it was"), "{pulled:?}");
        let again = shell.itr(&["lab", "pull", "cs1/sum", "copy"]).await;
        assert!(again.code == Some(2) && again.err.contains("--force"), "{again:?}");

        let lab = json(&shell.done("lab status cs1/sum --json").await);
        grade(class.student(), &text(&lab, "lab"), &Program::read("python/accepted")).await;
        let handed_in = shell.done("submissions cs1/sum").await;
        assert!(handed_in.contains(&class.students[0].email) && handed_in.contains("AC"), "{handed_in}");
        let none = shell.done("submissions cs1/sum --user instructor@demo.test").await;
        assert!(none.contains("nothing was handed in"), "{none}");
        let missing = shell.itr(&["lab", "status", "cs1/product"]).await;
        assert!(missing.code == Some(2) && missing.err.contains("it has: sum"), "{missing:?}");
    });
}

#[test]
fn a_package_goes_as_it_is_and_its_flaws_are_named_by_its_files() {
    with_stack(Setup { graders: 0, ..Setup::default() }, WITHIN, async |stack| {
        let class = stack.classroom("cs1", 1).await;
        let shell = Shell::signed_in(stack).await;
        shell.write("Plain Tests", &[("1.in", "1 2\n"), ("1.ans", "3\n"), ("2.in", "2 3\n"), ("2.ans", "5\n")]);
        let pushed = shell.itr(&["lab", "push", "Plain Tests"]).await;
        assert!(pushed.code == Some(0) && pushed.out.contains("cs1/plain-tests: revision 1, draft"), "{pushed:?}");
        let lab = class.instructor.get("/courses/cs1/labs").await.expect("labs")["items"][0].clone();
        assert_eq!((&lab["slug"], &lab["max_score"]), (&json!("plain-tests"), &json!(100.0)), "{lab}");
        shell.write("Plain Tests", &[("3.in", "no answer\n")]);
        let flawed = shell.itr(&["lab", "push", "Plain Tests"]).await;
        let named = flawed.out.lines().any(|line| line.contains("3.in"));
        assert!(named, "a test without an answer is named: {flawed:?}");

        let roster = "email,role\nstudent-0@cs1.test,assistant\nnobody@cs1.test,student\n";
        shell.write(".", &[("people.csv", roster)]);
        let said = shell.bad("roster import cs1 people.csv").await;
        assert!(said.contains("0 added, 1 changed") && said.contains("nobody@cs1.test"), "{said}");
        let members = class.instructor.get("/courses/cs1/members").await.expect("members");
        let roles: Vec<_> = members["items"].as_array().expect("a list").iter().map(|m| m["role"].clone()).collect();
        assert!(roles.contains(&json!("assistant")), "{members}");
    });
}

#[test]
fn a_student_is_told_what_is_not_for_students() {
    with_stack(Setup { graders: 0, ..Setup::default() }, WITHIN, async |stack| {
        let class = stack.classroom("cs1", 1).await;
        let shell = Shell::new();
        let student = &class.students[0];
        let login = ["login", &stack.url, "--email", &student.email];
        assert_eq!(shell.itr_with(&login, &[("ITR_PASSWORD", student.password)]).await.code, Some(0));
        shell.write("sum", &SUM);
        for line in ["lab push sum --course cs1", "lab verify sum", "roster import cs1 sum/lab.yaml", "grades cs1"] {
            let said = shell.itr(&line.split(' ').collect::<Vec<_>>()).await;
            assert!(said.code == Some(2) && said.err.starts_with("itr: "), "{line}: {said:?}");
            assert!(!Path::new("sum").exists());
        }
    });
}
