//! What is run: programs that answer each line, say hello, or never stop printing.

use iteratione_common::{
    lab::SourceFile,
    terminal::{ClientMessage, Encoding, Run, Size},
};

/// A language in which everything here is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// With `Scanner`.
    Java,
    /// With `input()`.
    Python,
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Says [`READY`], then answers each line with itself between angle brackets.
    Answers,
    /// Says one line.
    Hello,
    /// Prints as fast as it can.
    Floods,
}

/// The first words of [`Program::Answers`].
pub const READY: &str = "ready";

/// What [`Program::Answers`] makes of a line.
pub fn answer(line: &str) -> String {
    format!("<{line}>")
}

impl Language {
    /// Its id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Python => "python",
        }
    }

    /// The usual name of its main file, and a program.
    pub fn source(self, program: Program) -> SourceFile {
        let (name, content) = match (self, program) {
            (Self::Java, Program::Answers) => (
                "Main.java",
                "import java.util.Scanner;\n\
                 public class Main {\n\
                 \x20   public static void main(String[] args) {\n\
                 \x20       System.out.println(\"ready\");\n\
                 \x20       Scanner in = new Scanner(System.in);\n\
                 \x20       while (in.hasNextLine()) System.out.println(\"<\" + in.nextLine() + \">\");\n\
                 \x20   }\n\
                 }\n",
            ),
            (Self::Java, Program::Hello) => (
                "Main.java",
                "public class Main {\n\
                 \x20   public static void main(String[] args) { System.out.println(\"Hello, World!\"); }\n\
                 }\n",
            ),
            (Self::Java, Program::Floods) => (
                "Main.java",
                "public class Main {\n\
                 \x20   public static void main(String[] args) { while (true) System.out.println(\"again and again\"); }\n\
                 }\n",
            ),
            (Self::Python, Program::Answers) => {
                ("main.py", "print('ready')\nwhile True:\n    print('<' + input() + '>')\n")
            }
            (Self::Python, Program::Hello) => ("main.py", "print('Hello, World!')\n"),
            (Self::Python, Program::Floods) => ("main.py", "while True:\n    print('again and again')\n"),
        };
        SourceFile { name: name.to_owned(), content: content.to_owned() }
    }

    /// What a browser sends to run it.
    pub fn run(self, program: Program) -> ClientMessage {
        ClientMessage::Run(Box::new(Run {
            language: self.id().to_owned(),
            files: vec![self.source(program)],
            main: None,
            args: Vec::new(),
            size: Size { cols: 80, rows: 24 },
            encoding: Encoding::Binary,
            acks: false,
        }))
    }
}
