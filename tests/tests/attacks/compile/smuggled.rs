//! C3: what would run at compile time, and what a compiler might read for somebody who may not.

use std::{fmt::Write as _, fs};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{classroom::text, labs, programs::Program, settings::repository};
use uuid::Uuid;

use super::{compile_error, cut, files, fine, graded, refused};
use crate::frame::{Arena, Row, family};

/// Prints when it is loaded, initialised or asked: whoever runs it is heard.
const PROCESSOR: &str = r#"
import java.util.Set;
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;
import javax.tools.Diagnostic;

@SupportedAnnotationTypes("*")
public class Processor extends AbstractProcessor {
    static { System.out.println("PROCESSOR-RAN"); }
    @Override public synchronized void init(ProcessingEnvironment environment) {
        super.init(environment);
        environment.getMessager().printMessage(Diagnostic.Kind.ERROR, "PROCESSOR-RAN");
    }
    @Override public boolean process(Set<? extends TypeElement> all, RoundEnvironment round) {
        throw new IllegalStateException("PROCESSOR-RAN");
    }
}
"#;
const MAIN_JAVA: &str =
    "@Deprecated class Main { public static void main(String[] a) { System.out.println(\"fine\"); } }";

fn never_ran(_: &Arena<'_>, result: &Value) {
    assert!(!result["compile"].to_string().contains("PROCESSOR-RAN"), "{}", cut(result));
}

/// Nothing of what the compiler said comes from a file that is worth reading.
fn says_nothing(_: &Arena<'_>, result: &Value) {
    worth_nothing(&result["compile"].to_string());
    worth_nothing(&result["tests"].to_string());
}

/// No line of this host's own accounts, of its environment or of its secrets.
fn worth_nothing(said: &str) {
    for file in ["/etc/shadow", "/etc/machine-id", "/proc/self/environ"] {
        let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        for line in text.split(['\n', '\0']).filter(|l| l.len() >= 24) {
            assert!(!said.contains(line), "a line of the host's {file} is told: {said}");
        }
    }
    let repository = repository();
    assert!(!said.contains(repository.to_str().expect("UTF-8")), "a path of the host is told: {said}");
}

/// Files that make build tools run something are not taken.
fn refused_files() -> Row {
    Row::new("C3_service_files_java", "java", async |arena| {
        let lab = arena.lab(&fine("java")).await;
        let names = [
            "META-INF/services/javax.annotation.processing.Processor",
            "javax.annotation.processing.Processor",
            "META-INF.services.Processor",
            "pom.xml",
            "build.gradle",
            "Makefile",
            "javac.args",
            "@Main.java",
            "-J-version.java",
            "-processor.java",
            ".mvn.java",
            "lombok.config",
        ];
        for name in names {
            let program = files("java", &[("Main.java", MAIN_JAVA), (name, "Processor")]);
            let path = format!("/labs/{lab}/submissions");
            let answer = arena.attacker().call(Method::POST, &path, Some(&program.hand_in())).await.expect("an answer");
            assert_eq!((answer.status, answer.code()), (422, Some("invalid")), "{name}: {}", answer.body);
            assert_eq!(answer.body["errors"][0]["pointer"], "/files/1/name", "{name}: {}", answer.body);
        }
        format!("422 for {} files", names.len())
    })
}

/// A compiler that is told to look for files finds none that is not the submission's, the image's or the toolchain's.
fn looks_around() -> Row {
    Row::new("C3_has_include_c", "c", async |arena| {
        let secret = format!("s{}", Uuid::new_v4().simple());
        let mut lab = fine("c");
        let mut hidden = labs::test("hidden", &secret, &secret);
        hidden["visibility"] = json!("hidden");
        lab["groups"][0]["tests"].as_array_mut().expect("tests").push(hidden);
        let paths = [
            "/run/docker.sock",
            "/var/run/docker.sock",
            "/iteratione-workspaces",
            "/src/../jails",
            "/src/input",
            "/src/expected",
            "../input",
            "../expected",
            "../../tests",
            "/scratch/input",
            "/tmp/input",
            "/dev/shm/input",
            "/build/main",
            "/src/lab.json",
        ];
        let mut source = "#include <stdio.h>\n".to_owned();
        for path in paths {
            write!(source, "#if __has_include(\"{path}\")\n#warning found {path}\n#endif\n").expect("a string");
        }
        source.push_str("int main(void) { puts(\"fine\"); }\n");
        let result = arena.graded(&lab, &Program::of("c", "main.c", &source)).await;
        let first = &result["tests"][0];
        assert_eq!(first["verdict"], "AC", "{}", cut(&result));
        let output = text(&result["compile"], "output");
        assert!(!output.contains("warning: #warning found"), "{output}");
        assert!(
            !result["compile"].to_string().contains(&secret) && !first.to_string().contains(&secret),
            "{}",
            cut(&result)
        );
        format!("{} paths lead nowhere", paths.len())
    })
}

/// An assembler includes files as they are: what it can take is what a program may read anyway.
fn incbin() -> Row {
    Row::new("C3_incbin_c", "c", async |arena| {
        let mut seen = 0;
        for path in [
            "/etc/shadow",
            "/proc/1/environ",
            "/proc/1/mem",
            "/proc/kcore",
            "/run/docker.sock",
            "/src/../expected",
            "/dev/mem",
        ] {
            let source = format!(
                "#include <stdio.h>\nextern const char start[], end[];\n__asm__(\".section .rodata\\nstart: .incbin \\\"{path}\\\"\\nend: .byte 0\\n.text\\n\");\nint main(void) {{ fwrite(start, 1, end - start, stdout); }}\n"
            );
            let result = arena.graded(&fine("c"), &Program::of("c", "main.c", &source)).await;
            // Files of /proc have no length: nothing of them is taken.
            if result["verdict"] == "CE" {
                compile_error(
                    &result,
                    &[
                        "Assembler messages",
                        "file not found",
                        "can't open",
                        "Error",
                        "error",
                        "denied",
                        "No such",
                        "Compiling was stopped",
                    ],
                );
            } else {
                assert_eq!(
                    (&result["verdict"], &result["tests"][0]["stdout"]),
                    (&json!("WA"), &json!("")),
                    "{path}: {}",
                    cut(&result)
                );
            }
            seen += 1;
        }
        let source = "#include <stdio.h>\nextern const char start[], end[];\n__asm__(\".section .rodata\\nstart: .incbin \\\"/etc/passwd\\\"\\nend: .byte 0\\n.text\\n\");\nint main(void) { fwrite(start, 1, end - start, stdout); }\n";
        let result = arena.graded(&fine("c"), &Program::of("c", "main.c", source)).await;
        let accounts = text(&result["tests"][0], "stdout");
        assert!(accounts.starts_with("root:x:0:0"), "the image's accounts, which are everybody's: {}", cut(&result));
        worth_nothing(&result.to_string());
        format!("{seen} files kept, the image's own accounts read")
    })
}

#[test]
fn compiling_runs_nothing_of_a_submission_and_reads_nothing_worth_it() {
    let preprocessed = |path: &str| {
        Program::of("c", "main.c", &format!("#include \"{path}\"\nint main(void) {{ return not_there; }}\n"))
    };
    family([
        refused_files(),
        graded(
            "C3_processor_java",
            files("java", &[("Main.java", MAIN_JAVA), ("Processor.java", PROCESSOR)]),
            "AC",
            never_ran,
        ),
        graded(
            "C3_processor_plugin_java",
            files(
                "java",
                &[
                    ("Main.java", MAIN_JAVA),
                    (
                        "Plug.java",
                        "public class Plug implements com.sun.source.util.Plugin { static { System.out.println(\"PROCESSOR-RAN\"); } public String getName() { return \"Plug\"; } public void init(com.sun.source.util.JavacTask t, String... a) { throw new IllegalStateException(\"PROCESSOR-RAN\"); } public boolean autoStart() { return true; } }",
                    ),
                ],
            ),
            "AC",
            never_ran,
        ),
        refused("C3_include_passwd_c", preprocessed("/etc/passwd"), &["expected", "undeclared", "not_there"]),
        graded("C3_include_passwd_says_c", preprocessed("/etc/passwd"), "CE", says_nothing),
        refused("C3_include_shadow_c", preprocessed("/etc/shadow"), &["Permission denied"]),
        refused("C3_include_environ_c", preprocessed("/proc/1/environ"), &["Permission denied"]),
        graded("C3_include_own_environ_c", preprocessed("/proc/self/environ"), "CE", says_nothing),
        graded("C3_include_mounts_c", preprocessed("/proc/self/mountinfo"), "CE", says_nothing),
        looks_around(),
        incbin(),
        graded(
            "C3_module_names_python",
            files(
                "python",
                &[
                    ("main.py", "# -*- coding: utf-8 -*-\nprint('fine')\n"),
                    ("sitecustomize.py", "print('PROCESSOR-RAN')\n"),
                    ("usercustomize.py", "print('PROCESSOR-RAN')\n"),
                    ("sys.py", "print('PROCESSOR-RAN')\n"),
                ],
            ),
            "AC",
            never_ran,
        ),
        refused(
            "C3_codec_python",
            Program::of("python", "main.py", "# -*- coding: ../../evil -*-\nprint('fine')\n"),
            &["unknown encoding", "encoding problem", "SyntaxError"],
        ),
    ]);
}
