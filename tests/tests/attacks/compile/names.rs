//! C5: what files are called, in submissions and in labs.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, programs::Program};

use super::{cut, files, fine};
use crate::frame::{Row, family};

/// Names that lead elsewhere, or mean something else, on this or on somebody else's machine; each with its ending.
fn hostile(ending: &str) -> Vec<String> {
    let mut names: Vec<String> = [
        "../x",
        "../../x",
        "/etc/x",
        "//x",
        "a/x",
        "./x",
        "a\\x",
        "..\\x",
        "C:x",
        "C:\\x",
        "\\\\host\\x",
        "-o",
        "-x",
        "--help",
        "@x",
        "@/etc/passwd",
        "x\n",
        "x\r",
        "x\ty",
        "x\0y",
        "\u{7f}x",
        "\u{1b}[31mx",
        "x;rm -rf ~",
        "x|y",
        "x&y",
        "x`id`",
        "x$(id)",
        "x\"y",
        "x'y",
        "x*",
        "x?",
        "<x>",
        "x{y}",
        "~x",
        "x!",
        "x#y",
        "x%00",
        ".x",
        "..x",
        "x..y",
        " x",
        "CON",
        "nul",
        "Aux",
        "COM1",
        "lpt9",
        "CONIN$",
        "x\u{202e}y",
        "x\u{200b}y",
        "x\u{feff}",
        "u\u{308}x",
        "\u{ff0e}\u{ff0e}\u{2215}x",
        "x\u{2028}y",
        "x\u{e0041}",
        "file:x",
        "x\u{0}",
    ]
    .iter()
    .map(|stem| format!("{stem}{ending}"))
    .collect();
    names.extend([
        format!("{}{ending}", "x".repeat(300)),
        format!("{}{ending}", "課".repeat(80)),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
    ]);
    names.extend([
        ending.to_owned(),
        format!("x{ending} "),
        format!("x{ending}."),
        format!("x{ending};rm"),
        format!("x{ending}\0"),
        format!("x{ending}/"),
    ]);
    names
}

/// Must be 422, with the place of the name and a sentence that says which file.
async fn refused(client: &Client, method: Method, path: &str, body: &Value, pointer: &str, name: &str) {
    let answer = client.call(method, path, Some(body)).await.expect("an answer");
    assert_eq!((answer.status, answer.code()), (422, Some("invalid")), "{name:?}: {}", answer.body);
    let errors = answer.body["errors"].as_array().expect("a list");
    let error = errors.iter().find(|e| e["pointer"] == pointer).unwrap_or_else(|| panic!("{name:?}: {}", answer.body));
    let detail = error["detail"].as_str().expect("text");
    assert!(
        detail.len() > 10 && detail.len() < 1000 && !detail.contains(['\n', '\0', '\u{1b}', '\u{202e}']),
        "{name:?}: {detail:?}"
    );
}

fn hostile_names(id: &'static str, language: &'static str, ending: &'static str, main: &'static str) -> Row {
    Row::new(id, language, async move |arena| {
        let lab = arena.lab(&fine(language)).await;
        let names = hostile(ending);
        for name in &names {
            let body = json!({"language": language, "files": [{"name": format!("Ok{ending}"), "content": ""}, {"name": name, "content": main}]});
            refused(arena.attacker(), Method::POST, &format!("/labs/{lab}/submissions"), &body, "/files/1/name", name)
                .await;
        }
        // The instructor's names are looked at too: in starter files, in solutions, and as a test's files.
        let put = format!("/courses/{}/labs/names", arena.class.course);
        for name in &names {
            let mut starter = fine(language);
            starter["starter"] = json!({language: [{"name": name, "content": "", "role": "hidden"}]});
            refused(&arena.class.instructor, Method::PUT, &put, &starter, &format!("/starter/{language}/0/name"), name)
                .await;
            let mut solution = fine(language);
            solution["solutions"] =
                json!([{"language": language, "files": [{"name": name, "content": ""}], "expect": {"score": 1}}]);
            refused(&arena.class.instructor, Method::PUT, &put, &solution, "/solutions/0/files/0/name", name).await;
        }
        for name in ["../x", "/etc/x", "a/b", "a\\b", "..", ".", "", "-rf", "x\n", "x\0", " x", &"x".repeat(300)] {
            let mut with_file = fine(language);
            with_file["groups"][0]["tests"][0]["files"] = json!([{"name": name, "content": ""}]);
            refused(&arena.class.instructor, Method::PUT, &put, &with_file, "/groups/0/tests/0/files/0/name", name)
                .await;
        }
        format!("{} names refused, four times each", names.len())
    })
}

fn too_many_and_twins() -> Row {
    Row::new("C5_many_and_twins", "java", async |arena| {
        let lab = arena.lab(&fine("java")).await;
        let path = format!("/labs/{lab}/submissions");
        let file = |name: &str| json!({"name": name, "content": ""});
        let many: Vec<Value> = (0..10_000).map(|n| file(&format!("A{n}.java"))).collect();
        for (list, pointer) in [
            (json!(many), "/files"),
            (json!([file("Main.java"), file("main.java")]), "/files/1/name"),
            (json!([file("Main.java"), file("Main.java")]), "/files/1/name"),
            (json!([file("Übung.java"), file("ÜBUNG.java")]), "/files/1/name"),
            (json!([]), "/files"),
        ] {
            let body = json!({"language": "java", "files": list});
            refused(arena.attacker(), Method::POST, &path, &body, pointer, pointer).await;
        }
        "422 for each".to_owned()
    })
}

/// Names that look like another one are other names: they are compiled under what they are.
fn look_alikes() -> Row {
    Row::new("C5_look_alikes", "java", async |arena| {
        // The M of the second is a Greek letter.
        let result = arena
            .graded(
                &fine("java"),
                &files("java", &[
                    ("Main.java", "public class Main { public static void main(String[] a) { System.out.println(\u{39c}ain.WORD); } }"),
                    ("\u{39c}ain.java", "public class \u{39c}ain { static final String WORD = \"fine\"; }"),
                ]),
            )
            .await;
        assert_eq!(result["verdict"], "AC", "{}", cut(&result));
        for (language, name, content) in [
            ("python", "my file $x-1+.py", "print('fine')\n"),
            ("c", "$_+- .a.c", "#include <stdio.h>\nint main(void) { puts(\"fine\"); }\n"),
            ("cpp", "課題-1.cpp", "#include <cstdio>\nint main() { puts(\"fine\"); }\n"),
            (
                "c",
                "{build}.c".replace(['{', '}'], "$").as_str(),
                "#include <stdio.h>\nint main(void) { puts(\"fine\"); }\n",
            ),
        ] {
            let result = arena.graded(&fine(language), &Program::of(language, name, content)).await;
            assert_eq!(result["verdict"], "AC", "{name}: {}", cut(&result));
        }
        "AC".to_owned()
    })
}

#[test]
fn file_names_are_refused_by_name_or_harmless() {
    family([
        hostile_names("C5_names_java", "java", ".java", "class Main { }"),
        hostile_names("C5_names_c", "c", ".c", "int main(void) { }"),
        hostile_names("C5_names_python", "python", ".py", "print(1)"),
        too_many_and_twins(),
        look_alikes(),
    ]);
}
