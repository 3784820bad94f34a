//! Why tests do not fit a submission, in the words of who wrote the submission: what is missing or different in it, and
//! nothing of the tests' own text.

use iteratione_sandbox::toolchain::unit::UnitError;

/// Sentences of one message.
const MOST: usize = 5;

/// The errors of compiling one class of tests.
pub(super) fn misfit(errors: &[UnitError]) -> String {
    let mut said: Vec<String> = Vec::new();
    for sentence in errors.iter().map(sentence) {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    let more = said.len().saturating_sub(MOST);
    said.truncate(MOST);
    if more > 0 {
        said.push(format!("{more} more of this kind"));
    }
    format!("the tests do not fit your code: {}", said.join("; "))
}

fn sentence(error: &UnitError) -> String {
    let message = error.message.as_str();
    let first = message.lines().next().unwrap_or_default();
    let code = error.code.strip_prefix("compiler.err.").unwrap_or(&error.code);
    if code.starts_with("cant.resolve") {
        return missing(message);
    }
    match code {
        "doesnt.exist" => format!("{first}: is a package declaration missing or misspelled?"),
        "report.access" | "not.def.public.cant.access" | "not.def.access.class.intf.cant.access" => {
            format!("something has to be visible to the tests: {first}")
        }
        "cant.apply.symbol" => differs(message),
        "cant.apply.symbols" => format!("no variant of it takes what the tests give: {first}"),
        "abstract.cant.be.instantiated" | "non-static.cant.be.ref" => first.to_owned(),
        "unreported.exception.need.to.catch.or.throw" => format!("the tests expect no checked exception: {first}"),
        "prob.found.req" | "incomparable.types" | "operator.cant.be.applied.1" => {
            format!("the tests expect another type: {}", first.trim_start_matches("incompatible types: "))
        }
        _ => "your classes differ from what the tests use".to_owned(),
    }
}

/// `symbol:   method add(int,int)`, `location: variable c of type Calc`.
fn missing(message: &str) -> String {
    let field = |name: &str| {
        message.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim).unwrap_or_default().to_owned()
    };
    let (symbol, location) = (field("symbol:"), field("location:"));
    let Some((kind, name)) = symbol.split_once(' ') else {
        return "something that the tests use was not found".to_owned();
    };
    if kind == "class" {
        return format!("class {name} not found: did you name it so, and is it in the right package?");
    }
    // Of the tests' own variable, only its type.
    let place = location.rsplit_once(" of type ").map(|(_, kind)| kind).or_else(|| location.strip_prefix("class "));
    match place {
        Some(place) => format!("{kind} {name} not found in {place}"),
        None if kind == "variable" => format!("{name} not found: did you name the class or the constant so?"),
        None => format!("{kind} {name} not found"),
    }
}

/// `method add in class Calc cannot be applied to given types;`, `required: int`, `found: no arguments`.
fn differs(message: &str) -> String {
    let field = |name: &str| {
        message.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim).unwrap_or_default().to_owned()
    };
    let what = message.lines().next().unwrap_or_default();
    let what = what.split(" cannot be applied").next().unwrap_or(what);
    format!("{what} takes ({}), and the tests give ({})", plain(&field("required:")), plain(&field("found:")))
}

fn plain(types: &str) -> &str {
    if types == "no arguments" { "" } else { types }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> UnitError {
        UnitError {
            file: "T.java".to_owned(),
            line: 1,
            code: format!("compiler.err.{code}"),
            message: message.to_owned(),
        }
    }

    #[test]
    fn what_is_missing_is_named_and_the_tests_own_names_are_not() {
        for (code, message, says) in [
            (
                "cant.resolve.location",
                "cannot find symbol\n  symbol:   class Penguin\n  location: class SecretTest",
                "class Penguin not found: did you name it so",
            ),
            (
                "cant.resolve.location.args",
                "cannot find symbol\n  symbol:   method add(int,int)\n  location: variable secret of type Calc",
                "method add(int,int) not found in Calc",
            ),
            (
                "cant.apply.symbol",
                "constructor Calc in class Calc cannot be applied to given types;\n  required: no arguments\n  found:    int\n  reason: actual and formal argument lists differ in length",
                "constructor Calc in class Calc takes (), and the tests give (int)",
            ),
            ("report.access", "total has private access in Calc", "total has private access in Calc"),
            (
                "prob.found.req",
                "incompatible types: String cannot be converted to int",
                "String cannot be converted to int",
            ),
            ("doesnt.exist", "package shop does not exist", "package declaration"),
            ("expected", "secret expected", "differ from what the tests use"),
        ] {
            let said = misfit(&[error(code, message)]);
            assert!(said.contains(says), "{said}");
            assert!(!said.to_lowercase().contains("secret"), "{said}");
        }
    }

    #[test]
    fn the_same_is_said_once_and_not_too_much() {
        let one = |n: usize| error("cant.resolve", &format!("cannot find symbol\n  symbol: class C{n}"));
        let many: Vec<_> = (0..20).chain(0..20).map(one).collect();
        let said = misfit(&many);
        assert_eq!(said.matches("not found").count(), MOST, "{said}");
        assert!(said.contains("15 more"), "{said}");
    }
}
