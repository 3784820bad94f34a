//! C1, C2: sources that are small, and whose compilation is not.

use std::fmt::Write as _;

use testkit::programs::Program;

use super::{ShortLimits, files, refused};
use crate::frame::family_on;

/// How a compiler's limits are told.
const LIMITS: &[&str] = &["Compiling was stopped: it took more than"];
const OUTPUT: &[&str] = &["KiB of output"];

fn c(source: impl Into<String>) -> Program {
    Program::of("c", "main.c", &source.into())
}

fn cpp(source: impl Into<String>) -> Program {
    Program::of("cpp", "main.cpp", &source.into())
}

fn java(members: &str) -> Program {
    let source = format!(
        "import java.util.function.*;\nclass Main {{\n{members}\npublic static void main(String[] a) {{ System.out.println(\"fine\"); }}\n}}\n"
    );
    Program::of("java", "Main.java", &source)
}

fn python(source: &str) -> Program {
    Program::of("python", "main.py", source)
}

/// `#define A1 A0 A0` and so on.
fn macros(levels: usize) -> String {
    let mut source = "#define A0 +1+1+1+1+1+1+1+1\n".to_owned();
    for i in 1..=levels {
        writeln!(source, "#define A{i} A{0} A{0}", i - 1).expect("a string");
    }
    writeln!(source, "int main(void) {{ return 0 A{levels}; }}").expect("a string");
    source
}

/// A file that includes itself twice, to a depth, and does something each time.
fn includes(depth: u32, each: &str) -> String {
    format!("{each}\n#if __INCLUDE_LEVEL__ < {depth}\n#include \"main.c\"\n#include \"main.c\"\n#endif\n")
}

/// Strings, each of which is the one before twice.
fn doubled_strings(levels: usize) -> String {
    let mut source = "static final String S0 = \"0123456789abcdef\";\n".to_owned();
    for i in 1..=levels {
        writeln!(source, "static final String S{i} = S{0} + S{0};", i - 1).expect("a string");
    }
    source
}

/// More constants than a class can have, in methods that are short enough.
fn constants() -> String {
    let mut source = String::new();
    for method in 0..6 {
        write!(source, "static double[] m{method}() {{ return new double[] {{").expect("a string");
        for i in 0..5600 {
            write!(source, "{}d,", 10_000 + method * 5600 + i).expect("a string");
        }
        source.push_str("}; }\n");
    }
    source
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn sources_that_explode_in_the_compiler_are_a_compile_error_with_a_reason() {
    let limits = ShortLimits::new();
    let pairs = format!(
        "static class P<A, B> {{ }}\nstatic <T> P<T, T> p(T t) {{ return null; }}\nstatic Object o = {};",
        nested("p(", ")", 40)
    );
    family_on(
        limits.setup(),
        [
            refused(
                "C1_dev_zero_c",
                c("#include \"/dev/zero\"\nint main(void) { }\n"),
                &["Compiling was stopped", "is a", "too large"],
            ),
            refused(
                "C1_dev_random_c",
                c("#include \"/dev/random\"\nint main(void) { }\n"),
                &["Compiling was stopped", "stray", "is a", "too large", "expected"],
            ),
            refused(
                "C1_stdin_c",
                c("#include \"/dev/stdin\"\nint main(void) { return x; }\n"),
                &["undeclared", "is a"],
            ),
            refused(
                "C1_dev_zero_cpp",
                cpp("#include </dev/zero>\nint main() { }\n"),
                &["Compiling was stopped", "is a", "too large"],
            ),
            refused("C1_includes_itself_c", c("#include \"main.c\"\nint main(void) { }\n"), &["nested depth"]),
            refused("C1_includes_itself_twice_c", c("#include \"main.c\"\n#include \"main.c\"\n"), &["nested depth"]),
            refused("C1_includes_bomb_c", c(includes(40, "")), LIMITS),
            refused("C1_macro_bomb_c", c(macros(40)), LIMITS),
            refused("C1_macro_bomb_cpp", cpp(macros(40)), LIMITS),
            refused(
                "C1_static_data_c",
                c("int a[] = { [0 ... 1 << 28] = 1 };\nint main(void) { return a[1]; }\n"),
                &["Compiling was stopped", "too large", "No space", "signal", "File size limit", "failed"],
            ),
            refused(
                "C1_deep_expression_c",
                c(format!("int x = {};\n", nested("(", ")", 100_000))),
                &[
                    "Compiling was stopped",
                    "Segmentation fault",
                    "internal compiler error",
                    "terminated",
                    "nesting",
                    "segmentation",
                ],
            ),
            refused(
                "C1_template_depth_cpp",
                cpp(
                    "template <int N> struct F { static const int v = F<N + 1>::v; };\nint main() { return F<0>::v; }\n",
                ),
                &["template instantiation depth", "Compiling was stopped"],
            ),
            refused(
                "C1_template_bomb_cpp",
                cpp(
                    "template <class A, class B> struct P { };\ntemplate <int N, class T> struct X { X<N - 1, P<T, int>> a; X<N - 1, P<T, char>> b; };\ntemplate <class T> struct X<0, T> { };\nX<60, int> x;\nint main() { }\n",
                ),
                &["Compiling was stopped", "out of memory"],
            ),
            refused(
                "C1_constexpr_loop_cpp",
                cpp(
                    "constexpr long f() { long s = 0; for (long i = 0;; ++i) s += i; return s; }\nconstexpr long x = f();\nint main() { }\n",
                ),
                &["constexpr", "Compiling was stopped"],
            ),
            refused(
                "C1_constexpr_recursion_cpp",
                cpp(
                    "constexpr long f(long n, long m) { return n < 2 ? m : f(n - 1, m * 3 + n) + f(n - 2, m * 5 + 1); }\nconstexpr long x = f(70, 1);\nint main() { }\n",
                ),
                &["constexpr", "Compiling was stopped", "overflow"],
            ),
            refused(
                "C1_doubled_strings_java",
                java(&doubled_strings(34)),
                &["Compiling was stopped", "constant string too long"],
            ),
            refused("C1_generics_java", java(&pairs), LIMITS),
            refused(
                "C1_deep_expression_java",
                java(&format!("static int o = {};", nested("(", ")", 40_000))),
                &["nested too deeply", "Compiling was stopped"],
            ),
            refused(
                "C1_deep_generics_java",
                java(&format!("static java.util.List{} o;", nested("<java.util.List", ">", 9000).replace('1', ""))),
                &["nested too deeply", "Compiling was stopped", "illegal start"],
            ),
            refused(
                "C1_code_too_large_java",
                java(&format!("static int[] o = {{{}}};", "1,".repeat(60_000))),
                &["code too large"],
            ),
            refused("C1_constant_pool_java", java(&constants()), &["too many constants"]),
            refused(
                "C1_deep_expression_python",
                python(&format!("x = {}\n", nested("(", ")", 100_000))),
                &["too many nested", "nested too deeply", "Compiling was stopped", "RecursionError", "MemoryError"],
            ),
            refused(
                "C1_unary_python",
                python(&format!("x = {}1\n", "-".repeat(200_000))),
                &["too many nested", "nested", "Compiling was stopped", "RecursionError", "MemoryError", "recursion"],
            ),
            refused(
                "C1_long_number_python",
                python(&format!("x = {}\n", "9".repeat(200_000))),
                &["Exceeds the limit", "Compiling was stopped"],
            ),
        ],
    );
}

#[test]
fn compilers_that_print_without_end_are_stopped_and_their_output_is_cut() {
    let limits = ShortLimits::new();
    let pair = "template <class A, class B> struct P { };\n";
    let mut types = pair.to_owned();
    for i in 1..=30 {
        let before = if i == 1 { "int".to_owned() } else { format!("T{}", i - 1) };
        writeln!(types, "using T{i} = P<{before}, {before}>;").expect("a string");
    }
    types.push_str("int main() { int x = T30(); return x; }\n");
    let pairs = format!(
        "static class P<A, B> {{ }}\nstatic <T> P<T, T> p(T t) {{ return null; }}\nstatic int o = {};",
        nested("p(", ")", 22)
    );
    family_on(
        limits.setup(),
        [
            refused("C2_warnings_c", c(includes(40, "#warning again and again and again and again")), OUTPUT),
            refused("C2_pragma_message_c", c(includes(40, "#pragma message(\"again and again and again\")")), OUTPUT),
            refused(
                "C2_two_files_c",
                files(
                    "c",
                    &[
                        ("main.c", "#include \"x.h\"\n"),
                        (
                            "x.h",
                            "#warning x\n#if __INCLUDE_LEVEL__ < 190\n#include \"x.h\"\n#include \"x.h\"\n#endif\n",
                        ),
                    ],
                ),
                OUTPUT,
            ),
            refused(
                "C2_type_names_cpp",
                cpp(types),
                &["KiB of output", "Compiling was stopped", "out of memory", "cannot convert"],
            ),
            refused(
                "C2_type_names_java",
                java(&pairs),
                &["KiB of output", "Compiling was stopped", "incompatible types"],
            ),
        ],
    );
}
