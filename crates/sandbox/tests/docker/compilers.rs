//! A compiler that stays, with the real image of Java: it says what the cold one says, keeps nothing, and is missed by
//! nobody when it is gone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use iteratione_common::{lab::SourceFile, language::Languages};
use iteratione_sandbox::{
    Jail, Resources, Sandbox, SandboxConfig,
    protocol::ExecLimits,
    toolchain::{self, Build, Order},
};
use tempfile::TempDir;

use crate::support::{DEADLINE, Site, docker, repository};

mod figures;
mod sources;

use sources::{bomb, deep, file, programs, special};

struct Java {
    site: Site,
    sandbox: Sandbox,
    _dir: TempDir,
}

impl Java {
    /// With changes of `language.toml`: a text in it, and what is in its place.
    async fn start(changes: &[(&str, &str)]) -> Self {
        // Cold compilations are what takes long here.
        Self::start_with(changes, |config| config.cpus = 1.0).await
    }

    async fn start_with(changes: &[(&str, &str)], configure: impl FnOnce(&mut SandboxConfig)) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("java");
        fs::create_dir_all(&folder).expect("mkdir");
        let mut text = fs::read_to_string(repository().join("images/java/language.toml")).expect("readable");
        for (old, new) in changes {
            assert!(text.contains(old), "{old} is not in language.toml");
            text = text.replace(old, new);
        }
        fs::write(folder.join("language.toml"), text).expect("written");
        let mut site = Site::base();
        site.languages = Languages::read(dir.path()).expect("valid");
        site.config.max_containers = 12;
        configure(&mut site.config);
        let sandbox = site.start().await;
        let this = Self { site, sandbox, _dir: dir };
        this.is_ready().await;
        this
    }

    async fn is_ready(&self) {
        let until = Instant::now() + 2 * DEADLINE;
        while self.sandbox.compilers("java") == 0 {
            assert!(Instant::now() < until, "no compiler becomes ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn run(&self) -> Resources {
        let run = self.sandbox.default_resources();
        Resources { processes: run.processes + self.site.language("java").run_limits.processes_extra, ..run }
    }

    async fn open(&self, files: &[SourceFile]) -> (Build, Option<Jail>) {
        let order = Order { files, main: None, given: &[] };
        let opening = toolchain::open(&self.sandbox, self.site.language("java"), order, self.run(), "test");
        tokio::time::timeout(3 * DEADLINE, opening).await.expect("in time").expect("is tried")
    }

    /// As [`Java::open`], by a resident.
    async fn hot(&self, files: &[SourceFile]) -> (Build, Option<Jail>) {
        let until = Instant::now() + 2 * DEADLINE;
        loop {
            self.is_ready().await;
            let (build, jail) = self.open(files).await;
            if build.resident {
                return (build, jail);
            }
            assert!(Instant::now() < until, "nothing is compiled by a resident");
        }
    }

    async fn cold(&self, files: &[SourceFile]) -> (Build, Jail) {
        let (build, jail, _) = self.cold_in(files).await;
        (build, jail)
    }

    async fn cold_timed(&self, files: &[SourceFile]) -> (Build, Duration) {
        let (build, _, took) = self.cold_in(files).await;
        (build, took)
    }

    async fn cold_in(&self, files: &[SourceFile]) -> (Build, Jail, Duration) {
        let language = self.site.language("java");
        let taking = self.sandbox.take(language, self.sandbox.compile_resources(language), "test");
        let mut jail = tokio::time::timeout(2 * DEADLINE, taking).await.expect("in time").expect("a jail");
        let order = Order { files, main: None, given: &[] };
        let began = Instant::now();
        let building = toolchain::build(&mut jail, language, order, self.run());
        let build = tokio::time::timeout(3 * DEADLINE, building).await.expect("in time").expect("is tried");
        (build, jail, began.elapsed())
    }

    fn compiler_containers(&self) -> Vec<String> {
        let deployment = format!("label=iteratione.deployment={}", self.site.instance);
        let kind = "label=iteratione.kind=compiler";
        let listed = docker(&["ps", "--quiet", "--no-trunc", "--filter", &deployment, "--filter", kind]);
        listed.lines().map(str::to_owned).collect()
    }

    async fn end(self) {
        self.site.end(self.sandbox).await;
    }
}

async fn output(build: &Build, jail: &mut Jail) -> String {
    let limits = ExecLimits {
        cpu_ms: 20_000,
        wall_ms: 60_000,
        output_bytes: 1 << 20,
        file_bytes: 1 << 20,
        open_files: 256,
        stack_bytes: None,
    };
    let request = build.program.as_ref().expect("a program").exec_request(&[], limits);
    let done = tokio::time::timeout(DEADLINE, jail.exec(request, b"")).await.expect("in time").expect("runs");
    assert_eq!(done.result.exit_code, Some(0), "{:?} {}", done.result, String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

fn same(name: &str, hot: &Build, cold: &Build) {
    assert!(hot.resident && !cold.resident, "{name}");
    assert_eq!(hot.compile.output, cold.compile.output, "{name}");
    assert_eq!(hot.compile.diagnostics, cold.compile.diagnostics, "{name}");
    assert_eq!(hot.compile.ok, cold.compile.ok, "{name}");
    assert_eq!(hot.program, cold.program, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_compiler_says_of_every_program_what_the_cold_one_says() {
    let java = Java::start(&[]).await;
    for (name, files) in programs() {
        let (cold, jail) = java.cold(&files).await;
        drop(jail);
        same(&name, &java.hot(&files).await.0, &cold);
    }
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resident_compiler_says_of_every_odd_source_what_the_cold_one_says() {
    let java = Java::start(&[]).await;
    for (name, files) in special() {
        let (cold, jail) = java.cold(&files).await;
        drop(jail);
        same(name, &java.hot(&files).await.0, &cold);
    }
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_compiled_elsewhere_runs_as_one_compiled_in_its_jail() {
    let java = Java::start(&[]).await;
    let files = [
        file(
            "Main.java",
            "package a.b; public class Main { public static void main(String[] x) { System.out.print(new c.Other().hi()); } }",
        ),
        file(
            "Other.java",
            "package c; public class Other { record R(int n) {} enum E { A } public String hi() { Runnable r = () -> {}; r.run(); return new R(7) + \" \" + E.A; } }",
        ),
    ];
    let (cold, mut jail) = java.cold(&files).await;
    let expected = output(&cold, &mut jail).await;
    drop(jail);
    let (hot, jail) = java.hot(&files).await;
    let mut jail = jail.expect("a jail for what can be run");
    assert_eq!((output(&hot, &mut jail).await, expected.as_str()), (expected.clone(), "R[n=7] A"));
    drop(jail);
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_of_three_hundred_compilations_is_in_another() {
    let java = Java::start(&[]).await;
    let mut hot = 0;
    for n in 0..300u32 {
        let before = n.wrapping_sub(1);
        // No main: what is compiled needs no jail.
        let (files, wrong): (Vec<SourceFile>, Option<String>) = match n % 5 {
            // The same class with other content.
            0 => (vec![file("A.java", &format!("public class A {{ static int v{n}; static class I{n} {{}} }}"))], None),
            1 => {
                let b = format!("class B {{ int x = A.v{before}; A.I{before} y; }}");
                let a = format!("public class A {{ static int v{n}; }}");
                (vec![file("A.java", &a), file("B.java", &b)], Some(format!("v{before}")))
            }
            // Classes of earlier ones, in packages too, and a platform class' name.
            2 => (vec![file("C.java", "class C { A a; }")], Some("class A".to_owned())),
            3 => {
                let p = format!("package p; public class P {{ public static final int N = {n}; }}");
                let string = "package p; class String { }";
                (vec![file("P.java", &p), file("String.java", string)], None)
            }
            _ => {
                let uses = "import p.P; class U { String s = \"a\"; int n = s.length(); P p; }";
                (vec![file("U.java", uses)], Some("package p does not exist".to_owned()))
            }
        };
        let (build, jail) = java.open(&files).await;
        assert!(jail.is_none(), "{n}");
        hot += u32::from(build.resident);
        let words = &build.compile.output;
        match &wrong {
            None => assert!(words.is_empty(), "{n}: {words}"),
            Some(word) => assert!(words.contains(word.as_str()) && words.contains("error"), "{n}: {words}"),
        }
        if n % 60 == 30 {
            let method = |i| format!("static String s{i}(int x) {{ return \"{i}\" + x; }}\n");
            let huge = (0..3000).map(method).collect::<Vec<String>>().concat();
            let (build, _) = java.open(&[file("Huge.java", &format!("class Huge {{ {huge} }}"))]).await;
            assert!(build.compile.output.is_empty(), "{}", build.compile.output);
            let main = format!("public class A {{ public static void main(String[] x) {{ System.out.print({n}); }} }}");
            let (build, jail) = java.open(&[file("A.java", &main)]).await;
            assert_eq!(output(&build, &mut jail.expect("a jail")).await, n.to_string());
        }
    }
    assert!(hot > 250, "only {hot} were compiled by a resident");
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worn_compiler_is_replaced() {
    let java = Java::start(&[("recycle_after = 500", "recycle_after = 3")]).await;
    let first = java.compiler_containers();
    assert_eq!(first.len(), 1);
    let files = [file("A.java", "class A {}")];
    let until = Instant::now() + 2 * DEADLINE;
    while java.compiler_containers().contains(&first[0]) {
        assert!(Instant::now() < until, "it is not replaced");
        java.open(&files).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(java.hot(&files).await.0.resident);
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_dies_is_missed_by_nobody() {
    let java = Java::start(&[]).await;
    let files = [file("A.java", "public class A { public static void main(String[] x) { System.out.print(1); } }")];
    for how in [&["kill"][..], &["exec", "--user", "10002"]] {
        java.is_ready().await;
        let containers = java.compiler_containers();
        let [container] = containers.as_slice() else { panic!("{containers:?}") };
        let mut command = Command::new("docker");
        command.args(how).arg(container);
        if how.len() > 1 {
            command.args(["sh", "-c", "kill -9 -1"]);
        }
        // The one that does it dies with it.
        command.output().expect("the docker client runs");
        let (build, jail) = java.open(&files).await;
        assert_eq!(output(&build, &mut jail.expect("a jail")).await, "1", "{how:?}");
        assert!(java.hot(&files).await.0.resident);
    }
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_the_compilers_limits_is_told_so_and_the_next_one_compiles() {
    let java = Java::start(&[("cpu_ms = 20000", "cpu_ms = 3000")]).await;
    let (build, jail) = java.hot(&[bomb()]).await;
    assert!(jail.is_none() && !build.compile.ok);
    let message = build.program.expect_err("nothing to run").message();
    assert!(message.contains("more than 3 s of CPU time"), "{message}");
    let good = [file("A.java", "public class A { public static void main(String[] x) { System.out.print(2); } }")];
    let (build, jail) = java.open(&good).await;
    assert_eq!(output(&build, &mut jail.expect("a jail")).await, "2");
    assert!(java.hot(&good).await.0.resident);
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_nested_too_deeply_wears_one_compiler_out_and_is_told_so() {
    let java = Java::start(&[]).await;
    let before = java.compiler_containers();
    let (hot, _) = java.hot(&[deep()]).await;
    let (cold, jail) = java.cold(&[deep()]).await;
    drop(jail);
    // Only the frames of the stack differ.
    assert_eq!(hot.compile.diagnostics, cold.compile.diagnostics);
    assert!(hot.compile.diagnostics[0].message.contains("nested too deeply"), "{:?}", hot.compile.diagnostics);
    assert!(java.hot(&[file("A.java", "class A {}")]).await.0.resident);
    assert_ne!(java.compiler_containers(), before, "nobody knows what it has left half done");
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_submissions_at_once_share_one_compiler() {
    let java = Java::start(&[]).await;
    let one = |n: usize| {
        let java = &java;
        async move {
            let main = format!("public class A {{ public static void main(String[] x) {{ System.out.print({n}); }} }}");
            let (build, jail) = java.open(&[file("A.java", &main)]).await;
            assert_eq!(output(&build, &mut jail.expect("a jail")).await, n.to_string());
        }
    };
    futures_util::future::join_all((0..8).map(one)).await;
    java.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_residents_everything_is_compiled_in_its_own_jail() {
    let mut site = Site::base();
    let images: PathBuf = repository().join("images");
    let choice = iteratione_common::language::Choice::new(&["java".to_owned()]).expect("a choice");
    site.languages = Languages::chosen(Path::new(&images), &choice).expect("valid");
    site.config.compilers = 0;
    let sandbox = site.start().await;
    let language = site.language("java");
    let files = [file("A.java", "public class A { public static void main(String[] x) { System.out.print(3); } }")];
    let order = Order { files: &files, main: None, given: &[] };
    let run = Resources { processes: 128, ..sandbox.default_resources() };
    let opening = toolchain::open(&sandbox, language, order, run, "test");
    let (build, jail) = tokio::time::timeout(2 * DEADLINE, opening).await.expect("in time").expect("is tried");
    assert!(!build.resident);
    let mut jail = jail.expect("a jail");
    assert_eq!(output(&build, &mut jail).await, "3");
    drop(jail);
    site.end(sandbox).await;
}
