//! R10: options for the compiler or the runtime that come in by another way than the language's own folder.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{labs, programs::Program, stack::Setup};

use super::java_ends;
use crate::frame::{Arena, Row, ends::ends, family_on};

/// What a careless operator may have in the environment of the services.
const SMUGGLED: [(&str, &str); 8] = [
    ("JAVA_TOOL_OPTIONS", "-Dsmuggled=yes"),
    ("JDK_JAVA_OPTIONS", "-Dsmuggled=yes"),
    ("_JAVA_OPTIONS", "-Dsmuggled=yes -Xmx999m"),
    ("JDK_JAVAC_OPTIONS", "-proc:full"),
    ("CLASSPATH", "/nowhere"),
    ("PYTHONSTARTUP", "/nowhere"),
    ("GCC_EXEC_PREFIX", "/nowhere"),
    ("LD_PRELOAD_SMUGGLED", "/nowhere"),
];

/// File names that a compiler would take for something else than a source.
const NAMES: [(&str, &str); 12] = [
    ("java", "@Main.java"),
    ("java", "-proc:full.java"),
    ("java", "-J-Dsmuggled=yes.java"),
    ("java", ".hotspotrc"),
    ("java", ".hotspot_compiler"),
    ("java", "JDK_JAVA_OPTIONS"),
    ("c", "@main.c"),
    ("c", "-fplugin=x.c"),
    ("c", "-o.c"),
    ("cpp", "@main.cpp"),
    ("python", "-c.py"),
    ("python", "@main.py"),
];

/// Entry points that a runtime would take for an option.
const MAINS: [(&str, &str); 6] = [
    ("java", "-version"),
    ("java", "@Main"),
    ("java", "-Xmx9g"),
    ("java", "-XX:Flags=.hotspotrc"),
    ("python", "-c"),
    ("python", "/etc/passwd"),
];

#[test]
fn options_come_from_the_languages_folder_and_from_nowhere_else() {
    let settings = SMUGGLED.map(|(name, value)| (name, value.to_owned())).to_vec();
    let told = [labs::test("tells", "", "nothing that it says")];
    family_on(
        Setup { settings, ..Setup::default() },
        [
            Row::program("R10_environment_java", "r10/Options.java", java_ends(&["WA"]).tests(&told).and(nothing)),
            Row::program("R10_environment_python", "r10/environment.py", ends(&["WA"]).tests(&told).and(nothing)),
            Row::program("R10_environment_c", "r10/environment.c", ends(&["WA"]).tests(&told).and(nothing)),
            Row::program(
                "R10_hotspotrc_java",
                "r10/Hotspotrc.java",
                java_ends(&["AC"]).tests(&[labs::test("leaves", "1 2\n", "3\n"), labs::test("finds", "1 2\n", "3\n")]),
            ),
            Row::new("R10_names_of_options_java", "java", names),
            Row::new("R10_entry_points_java", "java", mains),
        ],
    );
}

/// Nothing of the services' environment is in the program's, and no option but the language's own.
fn nothing(result: &Value) {
    let said = result["tests"][0]["stdout"].as_str().expect("text");
    let names = SMUGGLED.map(|(name, _)| name);
    for bad in names.iter().copied().chain(["smuggled=yes", "smuggled yes", "nowhere", "DATABASE_URL", "ITERATIONE"]) {
        assert!(!said.contains(bad), "{bad} is told: {said}");
    }
    assert!(said.contains("HOME") && said.contains("PATH"), "it was told nothing: {said}");
    if let Some(heap) = said.lines().find_map(|l| l.strip_prefix("heap ")) {
        let heap: u64 = heap.parse().expect("a number");
        assert!(heap < 160, "a heap of {heap} MiB where there are 160 in all");
    }
    let stderr = result["tests"][0]["stderr"].as_str().expect("text");
    assert!(!stderr.contains("Picked up"), "{stderr}");
}

/// Each is refused by its name, before anything is stored.
async fn names(arena: &Arena<'_>) -> String {
    for (language, name) in NAMES {
        let lab = arena.lab(&ends(&[]).document(language)).await;
        let body = Program::of(language, name, "int main(void) { return 0; }").hand_in();
        let path = format!("/labs/{lab}/submissions");
        let answer = arena.attacker().call(Method::POST, &path, Some(&body)).await.expect("an answer");
        assert_eq!(answer.status, 422, "{language} {name}: {}", answer.body);
        let pointer = answer.body.pointer("/errors/0/pointer").cloned();
        assert_eq!(pointer, Some(json!("/files/0/name")), "{language} {name}: {}", answer.body);
    }
    format!("{} names are refused with 422", NAMES.len())
}

/// Each is refused, or an entry point that does not exist.
async fn mains(arena: &Arena<'_>) -> String {
    let mut seen = Vec::new();
    for (language, main) in MAINS {
        let lab = arena.lab(&labs::sum(&[language])).await;
        let body = Program::read(&format!("{language}/accepted")).main(main).hand_in();
        let path = format!("/labs/{lab}/submissions");
        let answer = arena.attacker().call(Method::POST, &path, Some(&body)).await.expect("an answer");
        if answer.status == 422 {
            seen.push("422".to_owned());
            continue;
        }
        assert_eq!(answer.status, 202, "{main}: {}", answer.body);
        let id = answer.body["id"].as_str().expect("an id").to_owned();
        let result = testkit::classroom::result(arena.attacker(), &id).await;
        assert_eq!((&result["verdict"], &result["score"]), (&json!("CE"), &json!(0.0)), "{language} {main}: {result}");
        assert!(result["message"].as_str().is_some_and(|m| !m.is_empty()), "no reason: {result}");
        seen.push("CE".to_owned());
    }
    seen.join(", ")
}
