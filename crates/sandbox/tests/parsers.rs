//! Readers of what students and their compilers wrote, on real sources and real messages that were tampered with.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use iteratione_common::{
    lab::SourceFile,
    language::{Language, Languages},
};
use iteratione_sandbox::toolchain::{
    diagnostics,
    java::class_file,
    layout::{self, Laid},
};
use proptest::prelude::*;

/// Far above what any of these inputs should take, on a machine that does a lot else.
const LONG: Duration = Duration::from_secs(20);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn languages() -> &'static Languages {
    static LANGUAGES: OnceLock<Languages> = OnceLock::new();
    LANGUAGES.get_or_init(|| Languages::read(&repository().join("images")).expect("languages"))
}

fn language(id: &str) -> &'static Language {
    languages().get(id).expect("there")
}

fn collect(folder: &Path, ending: &str, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, ending, into);
        } else if path.to_str().is_some_and(|p| p.ends_with(ending)) {
            into.push(fs::read_to_string(&path).expect("text"));
        }
    }
}

/// Sources of every program of this repository in one language.
fn sources(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["crates/demo/programs", "tests/programs", "images", "crates/sandbox/src/toolchain"] {
        collect(&repository().join(folder), ending, &mut found);
    }
    assert!(found.len() > 20, "{} files end with {ending}", found.len());
    found
}

fn java_sources() -> &'static [String] {
    static SOURCES: OnceLock<Vec<String>> = OnceLock::new();
    SOURCES.get_or_init(|| sources(".java"))
}

/// What real compilers have said.
fn messages() -> &'static [String] {
    static MESSAGES: OnceLock<Vec<String>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let mut found = Vec::new();
        collect(&repository().join("crates/sandbox/src/toolchain/diagnostics/testdata"), "output.txt", &mut found);
        assert!(found.len() >= 5);
        found
    })
}

/// One change to a text.
#[derive(Debug, Clone)]
enum Change {
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
    Insert(prop::sample::Index, String),
    Cut(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let piece = prop_oneof![
        prop::sample::select(vec![
            "/*",
            "*/",
            "//",
            "\"",
            "'",
            "\\",
            "\"\"\"",
            "\\u0022",
            "\\u002a",
            "\\uuu005c",
            "\\u",
            "\\uD800",
            "package ",
            "package a.b;",
            ";",
            "{",
            "}",
            "(",
            ")",
            "@",
            "@A(",
            "\n",
            "\r",
            "\u{1a}",
            "\0",
            "\u{feff}",
            "\u{202e}",
            "é",
            "😀",
            "class ",
            "public static void main(String[] args)",
            "import static ",
            "^",
            "    ^",
            ": error: ",
            ":1: error: ",
            ":3:5: warning: ",
            "1 error\n",
            "  File \"main.py\", line 3\n",
            "SyntaxError: x\n",
            "undefined reference to `main'",
            "symbol: ",
            "4294967296",
            "99999999999999999999",
            "-1",
            "/src/",
            "../",
            "Main.java:",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
        "[ -~]{0,30}",
    ];
    prop_oneof![
        (at(), 1..60_usize).prop_map(|(i, n)| Change::Remove(i, n)),
        (at(), 1..20_usize, 1..40_usize).prop_map(|(i, n, times)| Change::Repeat(i, n, times)),
        (at(), piece).prop_map(|(i, text)| Change::Insert(i, text)),
        at().prop_map(Change::Cut),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for change in changes {
        let length = text.len();
        if length == 0 {
            break;
        }
        match change {
            Change::Remove(i, n) => drop(text.drain(i.index(length)..length.min(i.index(length) + n))),
            Change::Repeat(i, n, times) => {
                let start = i.index(length);
                let piece = text[start..length.min(start + n)].to_vec().repeat(*times);
                text.splice(start..start, piece);
            }
            Change::Insert(i, piece) => drop(text.splice(i.index(length)..i.index(length), piece.chars()).count()),
            Change::Cut(i) => text.truncate(i.index(length)),
            Change::Swap(a, b) => text.swap(a.index(length), b.index(length)),
        }
    }
    text.into_iter().collect()
}

fn file(name: &str, content: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), content: content.to_owned() }
}

/// A path below the folder of sources and nowhere else, that a tool takes for a path.
fn harmless(path: &str) -> bool {
    let path = Path::new(path);
    path.is_relative()
        && path.components().all(|c| matches!(c, std::path::Component::Normal(_)))
        && path.to_str().is_some_and(|p| !p.contains(['\0', '\n', '\\']) && !p.starts_with(['-', '@']))
}

/// Whatever is laid out stays in its folder, each file once.
fn check_layout(laid: &Laid, files: &[SourceFile]) -> Result<(), TestCaseError> {
    let mut seen = std::collections::HashSet::new();
    for (path, content) in &laid.files {
        prop_assert!(harmless(path), "{path:?}");
        prop_assert!(seen.insert(path), "{path} is there twice");
        prop_assert!(
            files.iter().any(|f| f.content.trim_start_matches('\u{feff}').as_bytes() == content.as_slice()),
            "{path} is another file"
        );
    }
    prop_assert!(laid.sources.iter().all(|s| harmless(s)), "{:?}", laid.sources);
    Ok(())
}

proptest! {
    #[test]
    fn real_java_that_was_tampered_with_is_laid_out_in_its_folder(
        picks in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(change(), 0..6)), 1..4),
    ) {
        let begin = Instant::now();
        let all = java_sources();
        let files: Vec<_> = picks
            .iter()
            .enumerate()
            .map(|(i, (which, changes))| file(&format!("File{i}.java"), &changed(&all[which.index(all.len())], changes)))
            .collect();
        if let Ok(laid) = layout::lay_out(language("java"), &files) { check_layout(&laid, &files)?; }
        prop_assert!(begin.elapsed() < LONG);
    }

    #[test]
    fn any_text_as_java_is_laid_out_in_its_folder(
        texts in prop::collection::vec(prop_oneof![any::<String>(), "(package |[a-z.;/*\"'\\\\@(){}\n ]|\\\\u00[0-9a-f]{2}){0,80}"], 1..4),
    ) {
        let files: Vec<_> = texts.iter().enumerate().map(|(i, text)| file(&format!("File{i}.java"), text)).collect();
        if let Ok(laid) = layout::lay_out(language("java"), &files) { check_layout(&laid, &files)?; }
    }

    #[test]
    fn real_messages_that_were_tampered_with_give_places_that_are_there(
        which in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 0..8), source in any::<prop::sample::Index>(),
    ) {
        let begin = Instant::now();
        let output = changed(&messages()[which.index(messages().len())], &changes);
        let java = java_sources();
        for language in languages().iter() {
            let name = format!("main.{}", language.extensions[0]);
            let laid = layout::lay_out(language, &[file(&name, &java[source.index(java.len())])]);
            let Ok(laid) = laid else { continue };
            for found in diagnostics::read(&language.diagnostics, &output, &laid) {
                prop_assert!(found.file.as_deref().is_none_or(|f| f == name), "{found:?}");
                prop_assert!(found.line != Some(0) && found.column != Some(0), "{found:?}");
                prop_assert!(found.column.is_none() || found.line.is_some(), "a column without a line: {found:?}");
                prop_assert!(!found.message.contains('\0') && found.message.len() <= 8 << 10, "{} bytes", found.message.len());
            }
            prop_assert!(laid.names.rename_in(&output).len() <= output.len() * 3 + 1000);
        }
        prop_assert!(begin.elapsed() < LONG);
    }

    #[test]
    fn bytes_that_begin_as_a_class_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000), count in any::<u16>()) {
        let begin = Instant::now();
        let class = [b"\xca\xfe\xba\xbe\0\0\0\x41".as_slice(), &count.to_be_bytes(), &bytes].concat();
        if let Some(class) = class_file::parse(&class) { prop_assert!(class.name.len() <= bytes.len() * 3); }
        prop_assert!(begin.elapsed() < LONG);
    }
}
