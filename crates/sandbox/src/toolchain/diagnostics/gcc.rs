//! gcc and its kin: `path:line:column: error: message`; the lines in between quote the source. The linker's
//! `undefined reference` comes without a column.

use iteratione_common::diagnostic::{Diagnostic, Severity};

use super::{location, severity};

pub(super) fn read(output: &str) -> Vec<Diagnostic> {
    output.lines().filter_map(|line| compiler(line).or_else(|| linker(line))).collect()
}

fn compiler(line: &str) -> Option<Diagnostic> {
    for mark in [
        ": fatal error: ",
        ": internal compiler error: ",
        ": sorry, unimplemented: ",
        ": error: ",
        ": warning: ",
        ": note: ",
    ] {
        if let Some((place, message)) = line.split_once(mark)
            && let Some((path, number, column)) = location(place, true)
        {
            return Some(Diagnostic {
                file: Some(path.to_owned()),
                line: Some(number),
                column,
                severity: severity(mark.trim_matches([':', ' ']))?,
                message: message.trim().to_owned(),
            });
        }
    }
    None
}

fn linker(line: &str) -> Option<Diagnostic> {
    let (place, what) = line
        .split_once(": ")
        .filter(|_| line.contains("undefined reference to") || line.contains("multiple definition of"))?;
    // `/usr/bin/ld: /tmp/x.o: in function …: main.c:(.text+0x5): undefined reference to `f'`
    let message = line.rsplit_once("): ").map_or(what, |(_, message)| message);
    let file = place.split(":(").next().filter(|f| f.contains('.') && !f.contains('/')).map(str::to_owned);
    Some(Diagnostic { file, line: None, column: None, severity: Severity::Error, message: message.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_severities_are_read_from_real_output() {
        let output = "n.cpp: In function 'int main()':\nn.cpp:3:39: error: 'undefined_fn' was not declared in this scope\n    3 | int main() { f(3); int unused; return undefined_fn(); }\n      |                                       ^~~~~~~~~~~~\nn.cpp:3:24: warning: unused variable 'unused' [-Wunused-variable]\nn.cpp:3:15:   required from here\nm.c:2:10: fatal error: nope.h: No such file or directory\ncompilation terminated.\n";
        let short: Vec<_> = read(output).into_iter().map(|d| (d.file, d.line, d.column, d.severity)).collect();
        assert_eq!(
            short,
            [
                (Some("n.cpp".to_owned()), Some(3), Some(39), Severity::Error),
                (Some("n.cpp".to_owned()), Some(3), Some(24), Severity::Warning),
                (Some("m.c".to_owned()), Some(2), Some(10), Severity::Error),
            ]
        );
    }

    #[test]
    fn the_linkers_complaint_is_an_error_too() {
        let found = read(
            "/usr/bin/ld: /tmp/ccX.o: in function `main':\nmain.c:(.text.startup+0x5): undefined reference to `f'\ncollect2: error: ld returned 1 exit status\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].file.as_deref(), found[0].message.as_str()),
            (Some("main.c"), "undefined reference to `f'")
        );
    }
}
