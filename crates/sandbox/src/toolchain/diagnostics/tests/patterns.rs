//! The languages whose folders say how their compilers' messages look, each on what its real compiler printed.

use std::{path::Path, sync::LazyLock};

use iteratione_common::{lab::SourceFile, language::Language};
use proptest::prelude::*;
use serde_json::json;

use super::{super::*, expect, real};
use crate::toolchain::layout::lay_out;

#[test]
fn javascript_messages_are_read_and_the_caret_gives_the_column() {
    expect(&real("javascript", "javascript"), "helper.mjs:2:21 error SyntaxError: Unexpected token ';'");
}

#[test]
fn go_messages_are_read_with_columns_in_characters_and_their_details() {
    expect(
        &real("go", "go"),
        "main.go:5:2 error \"os\" imported and not used
         main.go:9:6 error main redeclared in this block↵	helper.go:3:6: other declaration of main
         main.go:10:24 error invalid operation: é + 1 (mismatched types string and untyped int)
         main.go:11:2 error undefined: undefined1
         main.go:14:9 error too many return values↵	have (string)↵	want ()
         helper.go:5:33 error cannot use \"two\" (untyped string constant) as int value in argument to g",
    );
}

#[test]
fn go_syntax_errors_are_read() {
    expect(
        &real("go", "go-syntax"),
        "main.go:4:18 error syntax error: unexpected newline in composite literal; possibly missing comma or }",
    );
}

#[test]
fn rust_messages_are_read_over_two_lines_with_notes_elsewhere() {
    expect(
        &real("rust", "rust"),
        "main.rs:7:28 error cannot find function `missing` in module `helper`
         main.rs:6:18 error mismatched types
         main.rs:10:18 error mismatched types
         helper.rs:1:8 note function defined here
         main.rs:10:38 error mismatched types
         helper.rs:2:9 warning unused variable: `moved`
         helper.rs:3:5 error borrow of moved value: `text`",
    );
}

#[test]
fn kotlin_messages_are_read() {
    expect(
        &real("kotlin", "kotlin"),
        "helper.kt:3:6 error only safe (?.) or non-null asserted (!!.) calls are allowed on a nullable receiver of type 'String?'.
         main.kt:3:29 error initializer type mismatch: expected 'Int', actual 'String'.
         main.kt:4:13 error unresolved reference 'undefined'.
         main.kt:5:25 error argument type mismatch: actual type is 'String', but 'Int' was expected.
         main.kt:8:7 error unresolved reference 'foo' on receiver of type 'Int'.
         main.kt:9:12 error return type mismatch: expected 'Unit', actual 'String'.",
    );
}

#[test]
fn ruby_messages_are_read() {
    expect(
        &real("ruby", "ruby"),
        "helper.rb:3:- error syntax error, unexpected *
         helper.rb:4:- error syntax error, unexpected end-of-input, expecting `end' or dummy end
         main.rb:3:- error syntax error, unexpected local variable or method, expecting ')'",
    );
}

#[test]
fn php_messages_are_read_from_the_end_of_their_lines() {
    expect(
        &real("php", "php"),
        "helper.php:2:- error Cannot redeclare A::f()
         main.php:3:- error syntax error, unexpected token \":\", expecting \")\"",
    );
}

#[test]
fn pascal_messages_are_read_in_the_order_of_its_units() {
    expect(
        &real("pascal", "pascal"),
        "helper.pas:11:3 note Local variable \"Unused\" not used
         main.pas:9:18 error Incompatible types: got \"AnsiString\" expected \"LongInt\"
         main.pas:10:3 error Identifier not found \"Missing\"
         main.pas:11:48 error Syntax error, \";\" expected but \"identifier WRITELN\" found",
    );
}

#[test]
fn haskell_messages_are_read_from_the_lines_below_their_places() {
    expect(&real("haskell", "haskell"), "Helper.hs:4:7 error Variable not in scope: undefinedName :: Int -> [Char]");
}

#[test]
fn haskell_messages_keep_their_details() {
    expect(
        &real("haskell", "haskell-types"),
        "Main.hs:3:30 error • Couldn't match type ‘[Char]’ with ‘Int’↵      Expected: Int↵        Actual: String↵    • In the first argument of ‘(+)’, namely ‘é’↵
         Main.hs:4:13 error • Couldn't match type ‘Char’ with ‘[Char]’↵      Expected: String↵        Actual: Char↵    • In the first argument of ‘putStrLn’, namely ‘(f",
    );
}

#[test]
fn haskell_syntax_errors_are_read() {
    expect(
        &real("haskell", "haskell-syntax"),
        "Main.hs:4:3 error parse error (possibly incorrect indentation or mismatched brackets)",
    );
}

#[test]
fn bash_messages_are_read_without_the_quoted_line() {
    expect(
        &real("bash", "bash"),
        "helper.sh:2:- error unexpected EOF while looking for matching `\"'
         main.sh:6:- error syntax error near unexpected token `fi'",
    );
}

#[test]
fn lua_messages_are_read() {
    expect(
        &real("lua", "lua"),
        "helper.lua:3:- error ')' expected (to close '(' at line 2) near 'end'
         main.lua:2:- error <name> expected near '<\\195>'",
    );
}

#[test]
fn perl_messages_are_read_from_the_end_of_their_lines() {
    expect(
        &real("perl", "perl"),
        "Helper.pm:3:- error syntax error
         main.pl:6:- error String found where operator expected (Missing operator before \"\"two\"\"?)
         main.pl:4:- error Global symbol \"$missing\" requires explicit package name (did you forget to declare \"my $missing\"?)
         main.pl:4:- error Global symbol \"$y\" requires explicit package name (did you forget to declare \"my $y\"?)
         main.pl:6:- error syntax error",
    );
}

#[test]
fn ocaml_messages_are_read_behind_the_quoted_source() {
    expect(
        &real("ocaml", "ocaml-types"),
        "main.ml:3:51 error The constant \"1\" has type \"int\" but an expression was expected of type↵         \"string\"",
    );
}

#[test]
fn ocaml_warnings_do_not_hide_errors() {
    expect(
        &real("ocaml", "ocaml-warning"),
        "main.ml:2:12 warning this pattern-matching is not exhaustive.
         main.ml:7:23 error This variant expression is expected to have type \"colour\"↵       There is no constructor \"Missing\" within type \"colour\"",
    );
}

#[test]
fn ocaml_syntax_errors_are_read_once() {
    expect(&real("ocaml", "ocaml-syntax"), "main.ml:6:1 error Syntax error");
}

#[test]
fn r_messages_are_read() {
    expect(
        &real("r", "r"),
        "helper.R:3:- error unexpected end of input
         main.R:3:26 error unexpected '}'",
    );
}

fn pattern(table: serde_json::Value) -> Diagnostics {
    serde_json::from_value(serde_json::Value::Array(vec![table])).expect("valid")
}

fn language(id: &str) -> Language {
    Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images").join(id)).expect("valid")
}

fn one(how: &Diagnostics, content: &str, output: &str) -> Vec<Diagnostic> {
    static LUA: LazyLock<Language> = LazyLock::new(|| language("lua"));
    let file = SourceFile { name: "a.lua".to_owned(), content: content.to_owned() };
    read(how, output, &lay_out(&LUA, &[file]).expect("laid out"))
}

#[test]
fn a_message_about_another_file_is_none_and_takes_its_lines_with_it() {
    let how = pattern(json!({"pattern": r"(?<file>\S+):(?<line>\d+)\n.*\n(?<message>.*)$", "lines": 3}));
    let output = "lib.lua:1\na.lua:2\nin the library\r\na.lua:3\r\nquoted\r\nmine\r\n";
    expect(&one(&how, "", output), "a.lua:3:- error mine");
}

#[test]
fn what_a_column_counts_and_from_where_is_the_patterns_to_say() {
    for (columns, first, expected) in [
        ("characters", 1, "a.lua:1:7 error m"),
        ("bytes", 1, "a.lua:1:6 error m"),
        ("characters", 0, "a.lua:1:8 error m"),
        ("bytes", 0, "a.lua:1:7 error m"),
    ] {
        let text = r"(?<file>\S+):(?<line>\d+):(?<column>\d+): (?<message>.*)";
        let how = pattern(json!({"pattern": text, "columns": columns, "first_column": first}));
        expect(&one(&how, "é = 12345", "a.lua:1:7: m"), expected);
    }
}

#[test]
fn output_without_end_is_read_in_time_by_patterns_too() {
    // Quadratic time would take minutes.
    let text = r"(?<file>\S+):(?<line>\d+)\n(?:.*\n)*?(?<message>end.*)$";
    let how = pattern(json!({"pattern": text, "lines": 12, "continued": "more"}));
    for output in ["a.lua:1\n", "a.lua:1\nend\nmore\n", "a", "x\n"] {
        assert!(one(&how, "", &output.repeat(400_000 / output.len())).len() <= MOST);
    }
    // Lines that are taken for a message's continuation are bounded too.
    assert!(one(&how, "", &format!("a.lua:1\nend\n{}", "more\n".repeat(50_000)))[0].message.len() < 200);
}

proptest! {
    #[test]
    fn no_output_makes_a_pattern_panic_or_give_without_bound(
        likely in "([ -~\\n]|Error: |main:|\\^|File \"a.lua\", line |a.lua:1:|\n    |\r\n|1 \\| |Été|😀){0,60}",
        any in any::<String>(),
        content in "[a-zé😀\t\n ]{0,60}",
    ) {
        static ALL: LazyLock<Vec<Language>> =
            LazyLock::new(|| ["javascript", "rust", "haskell", "ocaml", "perl", "go"].map(language).into());
        for language in ALL.iter() {
            for output in [&likely, &any] {
                for diagnostic in one(&language.diagnostics, &content, output) {
                    prop_assert!(diagnostic.message.len() <= MESSAGE_BYTES);
                    prop_assert!(diagnostic.column != Some(0) && diagnostic.line != Some(0));
                }
            }
        }
    }
}
