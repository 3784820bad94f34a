//! The same sources through the real javac of the Java image.

use std::{path::Path, process::Command};

use super::tests::CASES;

const IMAGE: &str = "iteratione/java:21";

/// Folder of `A.class` below `root`, if there is one.
fn find(root: &Path, at: &Path) -> Option<String> {
    for entry in std::fs::read_dir(at).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            if let Some(found) = find(root, &path) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|n| n == "A.class") {
            let folder = at.strip_prefix(root).expect("below");
            return Some(folder.to_str().expect("UTF-8").to_owned());
        }
    }
    None
}

#[test]
fn the_cases_are_what_a_real_javac_does_with_them() {
    let dir = tempfile::tempdir().expect("folder");
    // One javac for all: a start for each would take a minute. Each source gets a folder of its own by a class name
    // that the others do not see, so they are compiled by a small Java program in one process.
    let driver = dir.path().join("Driver.java");
    std::fs::write(
        &driver,
        r#"
import java.io.*; import java.nio.file.*; import javax.tools.*;
public class Driver {
    public static void main(String[] args) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        for (String dir : args) {
            compiler.run(null, OutputStream.nullOutputStream(), OutputStream.nullOutputStream(), "-encoding", "UTF-8",
                "-proc:none", "-implicit:none", "-d", dir, dir + "/A.java");
        }
    }
}
"#,
    )
    .expect("written");
    let mut folders = Vec::new();
    for (i, (source, _)) in CASES.iter().enumerate() {
        let folder = dir.path().join(format!("case{i}"));
        std::fs::create_dir(&folder).expect("folder");
        std::fs::write(folder.join("A.java"), source).expect("written");
        folders.push(folder);
    }
    // As whoever runs the test, so that what is made can be removed again.
    let user = format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mount = format!("{0}:{0}", dir.path().display());
    let status = Command::new("docker")
        .args(["run", "--rm", "--network", "none", "--label", "iteratione.test=javac", "-e", "LC_ALL=C.UTF-8"])
        .args(["--user", &user, "-v", &mount, IMAGE, "java", "-Dsun.jnu.encoding=UTF-8"])
        .arg(&driver)
        .args(&folders)
        .status()
        .expect("the docker client is installed");
    assert!(
        status.success(),
        "java in {IMAGE}: is the engine running and the image built (./iteratione test does both)?"
    );
    for ((source, expected), folder) in CASES.iter().zip(&folders) {
        assert_eq!(find(folder, folder).as_deref(), *expected, "javac on {source:?}");
    }
}
