//! The statement as Markdown.

use crate::Package;

/// The statement, and a title that it may say.
pub fn read(package: &mut Package<'_>) -> (String, Option<String>) {
    let mut found = Vec::new();
    for folder in ["statement", "problem_statement"] {
        for (path, bytes) in package.folder(folder) {
            found.push((format!("{folder}/{path}"), path, bytes));
        }
    }
    // problem.en.md before problem.en.tex before others; problem.md is English too.
    let rank = |name: &str| {
        let kind = ["md", "tex", "pdf"].iter().position(|kind| name.ends_with(&format!(".{kind}")))?;
        let language = name.strip_prefix("problem.")?.rsplit_once('.').map_or("en", |(language, _)| language);
        Some((usize::from(kind == 2), usize::from(language != "en"), kind))
    };
    let best = found.iter().enumerate().filter_map(|(i, (_, name, _))| Some((rank(name)?, i))).min();
    let Some((_, best)) = best else {
        for (path, ..) in &found {
            package.notes.warn(path, "is no statement, and is not kept");
        }
        package.notes.warn("statement", "there is no problem.en.md or problem.en.tex: the lab has no text");
        return (String::new(), None);
    };
    let (path, name, bytes) = found.swap_remove(best);
    for (path, ..) in &found {
        package.notes.warn(path, "is not kept: a lab has one statement, and no pictures in it");
    }
    if name.ends_with(".pdf") {
        package.notes.warn(&path, "a statement in PDF is not kept: write one in Markdown");
        return (String::new(), None);
    }
    let Ok(text) = String::from_utf8(bytes) else {
        package.notes.error(&path, "is not UTF-8 text");
        return (String::new(), None);
    };
    if name.ends_with(".md") {
        let text = text.replace("{{nextsample}}", "").replace("{{remainingsamples}}", "");
        return (text, None);
    }
    package.notes.warn(&path, "was turned from LaTeX into Markdown: read it once");
    let (text, title) = from_latex(&text);
    (text, title)
}

/// The subset that statements are written in; what is not known stays as it is. Math is the same in both.
fn from_latex(text: &str) -> (String, Option<String>) {
    let mut title = None;
    let mut lines = Vec::new();
    let mut lists: Vec<bool> = Vec::new();
    let mut verbatim = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if verbatim {
            verbatim = !(trimmed.starts_with("\\end{verbatim}") || trimmed.starts_with("\\end{lstlisting}"));
            lines.push(if verbatim { line.to_owned() } else { "```".to_owned() });
            continue;
        }
        if let Some(name) = trimmed.strip_prefix("%% plainproblemname:") {
            title = Some(name.trim().to_owned());
        }
        if trimmed.starts_with('%') {
            continue;
        }
        if let Some(name) = argument(trimmed, "\\problemname") {
            title.get_or_insert_with(|| name.to_owned());
            continue;
        }
        match trimmed {
            "\\begin{verbatim}" | "\\begin{lstlisting}" => {
                verbatim = true;
                lines.push("```".to_owned());
            }
            "\\begin{itemize}" | "\\begin{enumerate}" => lists.push(trimmed.contains("enumerate")),
            "\\end{itemize}" | "\\end{enumerate}" => {
                lists.pop();
                lines.push(String::new());
            }
            "\\begin{Input}" => lines.push("## Input".to_owned()),
            "\\begin{Output}" => lines.push("## Output".to_owned()),
            "\\begin{Interaction}" => lines.push("## Interaction".to_owned()),
            "\\end{Input}" | "\\end{Output}" | "\\end{Interaction}" | "\\noindent" | "\\nextsample"
            | "\\remainingsamples" | "\\begin{center}" | "\\end{center}" => {}
            _ => lines.push(inline(line, &lists)),
        }
    }
    (lines.join("\n").trim().to_owned() + "\n", title)
}

fn inline(line: &str, lists: &[bool]) -> String {
    let trimmed = line.trim_start();
    for (command, mark) in
        [("\\section*", "## "), ("\\section", "## "), ("\\subsection*", "### "), ("\\subsection", "### ")]
    {
        if let Some(name) = argument(trimmed, command) {
            return format!("{mark}{name}");
        }
    }
    let mut text = match trimmed.strip_prefix("\\item") {
        Some(rest) => {
            let mark = if lists.last() == Some(&true) { "1." } else { "-" };
            format!("{}{mark} {}", "  ".repeat(lists.len().saturating_sub(1)), rest.trim_start())
        }
        None => line.to_owned(),
    };
    for (command, open, close) in [
        ("\\emph{", "*", "*"),
        ("\\textit{", "*", "*"),
        ("\\textbf{", "**", "**"),
        ("\\texttt{", "`", "`"),
        ("\\url{", "<", ">"),
    ] {
        while let Some(start) = text.find(command) {
            let inside = start + command.len();
            let Some(length) = closing(&text[inside..]) else { break };
            let content = text[inside..inside + length].to_owned();
            text.replace_range(start..=inside + length, &format!("{open}{content}{close}"));
        }
    }
    text.replace("``", "“").replace("''", "”").replace("\\ldots", "…").replace("---", "—").replace('~', "\u{a0}")
}

/// The argument of a command that is the whole line.
fn argument<'a>(line: &'a str, command: &str) -> Option<&'a str> {
    let inside = line.strip_prefix(command)?.strip_prefix('{')?;
    closing(inside).map(|end| &inside[..end])
}

/// Where the brace closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latex_of_statements_becomes_markdown_and_math_stays() {
        let text = r"\problemname{Circle}
%% plainproblemname: Circles
% a comment
Given $r \le 10^{3}$, print the \emph{area} of a \textbf{circle \texttt{r}}.
\section*{Input}
\begin{itemize}
\item one ``number''
\end{itemize}
\begin{verbatim}
\item 5
\end{verbatim}";
        let (markdown, title) = from_latex(text);
        assert_eq!(title.as_deref(), Some("Circles"), "the plain name, if there is one");
        assert_eq!(
            markdown,
            "Given $r \\le 10^{3}$, print the *area* of a **circle `r`**.\n## Input\n- one “number”\n\n```\n\\item 5\n```\n"
        );
    }
}
