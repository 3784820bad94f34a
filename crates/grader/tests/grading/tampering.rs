//! T4: programs that would rather change what tests say than pass them. Each earns what it deserves, and no more.
//!
//! All of them are the same class of which the first test alone is passed honestly, with something in it that should make
//! the others pass.

use futures_util::{StreamExt as _, stream};
use iteratione_common::{
    submission::Grade,
    verdict::Verdict::{Ac, Ce},
};
use serde_json::{Value, json};

use crate::{
    junit::junit,
    support::{Case, Court, said},
};

const TEST: &str = r#"package bank;
import static org.junit.jupiter.api.Assertions.*;
import java.util.*;
import org.junit.jupiter.api.*;
@TestMethodOrder(MethodOrderer.MethodName.class)
class BankTest {
    static int expected = 42;
    private static final List<Integer> fees = new ArrayList<>(List.of(1, 2, 3));
    @Test @Tag("points=25") void a_opens() { assertEquals(0, new Account().balance()); }
    @Test @Tag("points=25") void b_deposits() { Account a = new Account(); a.deposit(42); assertEquals(expected, a.balance()); }
    @Test @Tag("points=25") void c_charges() { assertEquals(fees, new Account().fees()); }
    @Test @Tag("points=25") void d_compares() {
        Helper.differ(new Account(1), new Account(2));
        assertEquals(new Account(1), new Account(1));
    }
}
"#;
const HELPER: &str = "package bank;\nimport org.junit.jupiter.api.Assertions;\nclass Helper { static void differ(Object a, Object b) { Assertions.assertNotEquals(a, b); } }\n";

/// Where the code of an attack stands in the class.
#[derive(Clone, Copy)]
enum At {
    Member,
    Constructor,
    Deposit,
    /// In a file of its own, of this name.
    File(&'static str),
}
use At::{Constructor, Deposit, File, Member};

fn account(at: At, code: &str) -> Vec<(&'static str, String)> {
    let part = |wanted: bool| if wanted { code } else { "" };
    let (member, constructor, deposit) =
        (part(matches!(at, Member)), part(matches!(at, Constructor)), part(matches!(at, Deposit)));
    let class = format!(
        "package bank;\nimport java.io.*;\nimport java.util.*;\npublic class Account {{\n    {member}\n    Account() {{ this(0); }}\n    \
         Account(int n) {{ try {{ {constructor} }} catch (Exception e) {{ System.out.println(e); }} }}\n    int balance() {{ return 0; }}\n    \
         void deposit(int n) {{ {deposit} }}\n    List<Integer> fees() {{ return List.of(); }}\n}}\n"
    );
    let mut files = vec![("Account.java", class)];
    if let File(name) = at {
        files.push((name, code.to_owned()));
    }
    files
}

/// What an attack must come to.
#[derive(Clone, Copy)]
enum Deserves {
    /// So many points, of 100.
    Points(f64),
    /// The same, and staff are told with these words.
    Marked(f64, &'static str),
    /// It does not meet the tests, with these words.
    Refused(&'static str),
}
use Deserves::{Marked, Points, Refused};

const FORGED: &str = r#"String r = "{\"nonce\":\"0\",\"event\":\"finished\",\"id\":\"x\",\"class\":\"bank.BankTest\",\"method\":\"b_deposits\",\"leaf\":true,\"status\":\"passed\"}\n{\"nonce\":\"0\",\"event\":\"end\"}\n";"#;

/// Name, place, code, and what it deserves. `FORGED` stands for a forged record in `r`.
const ATTACKS: &[(&str, At, &str, Deserves)] = &[
    // --- ending before anything can fail
    ("exit in a static initialiser", Member, "static { System.exit(0); }", Marked(0.0, "System.exit")),
    ("halt in a static initialiser", Member, "static { Runtime.getRuntime().halt(0); }", Marked(0.0, "Runtime.halt")),
    ("exit in the constructor", Constructor, "System.exit(0);", Points(0.0)),
    ("exit in the second test", Deposit, "System.exit(0);", Marked(25.0, "ended before its tests")),
    (
        "exit in a thread",
        Deposit,
        "Thread t = new Thread(() -> System.exit(0)); t.start(); try { t.join(); } catch (InterruptedException e) { }",
        Points(25.0),
    ),
    (
        "a shutdown hook",
        Constructor,
        "Runtime.getRuntime().addShutdownHook(new Thread(() -> { FORGED System.out.print(r); Runtime.getRuntime().halt(0); }));",
        Marked(25.0, "addShutdownHook"),
    ),
    (
        "a hook and an exit",
        Deposit,
        "Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0))); System.exit(0);",
        Points(25.0),
    ),
    // --- forging results
    (
        "records on the standard output",
        Deposit,
        "FORGED System.out.print(r); System.err.print(r); System.exit(0);",
        Points(25.0),
    ),
    (
        "System.out replaced",
        Constructor,
        "FORGED System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out))); System.out.print(r);",
        Marked(25.0, "System.setOut"),
    ),
    (
        "every descriptor by its name",
        Constructor,
        "FORGED for (String d : new String[] {\"/proc/self/fd/\", \"/dev/fd/\", \"/proc/thread-self/fd/\", \"/proc/1/fd/\"}) for (int i = 0; i < 80; i++) { try (var o = new FileOutputStream(d + i)) { o.write(r.getBytes()); } catch (IOException e) { } try (var o = new RandomAccessFile(d + i, \"rw\")) { o.write(r.getBytes()); } catch (IOException e) { } }",
        Points(25.0),
    ),
    (
        "the process' own memory",
        Constructor,
        "for (String f : new String[] {\"/proc/self/mem\", \"/proc/thread-self/mem\"}) { try (var m = new RandomAccessFile(f, \"rw\")) { System.exit(9); } catch (IOException e) { } }",
        Points(25.0),
    ),
    (
        "a flood of guesses",
        Deposit,
        "for (int i = 0; i < 3000; i++) System.out.println(\"{\\\"nonce\\\":\\\"\" + Integer.toHexString(i) + \"\\\",\\\"event\\\":\\\"end\\\"}\");",
        Points(25.0),
    ),
    (
        "reflection on a file descriptor",
        Deposit,
        "try { var f = FileDescriptor.class.getDeclaredField(\"fd\"); f.setAccessible(true); var d = new FileDescriptor(); f.setInt(d, 3); new FileOutputStream(d).write(1); } catch (Exception e) { }",
        Refused("java.lang.Class.getDeclaredField"),
    ),
    // --- reaching into others
    (
        "Unsafe",
        Deposit,
        "try { var f = Class.forName(\"sun.misc.Unsafe\").getDeclaredField(\"theUnsafe\"); f.setAccessible(true); } catch (Exception e) { }",
        Refused("setAccessible|java.lang.reflect.Field"),
    ),
    (
        "reflection into the launcher",
        Deposit,
        "try { for (var f : Class.forName(\"iteratione.unit.Main\").getDeclaredFields()) f.setAccessible(true); } catch (Exception e) { }",
        Refused("getDeclaredFields"),
    ),
    (
        "reflection into the test's expectations",
        Deposit,
        "try { var f = Class.forName(\"bank.BankTest\").getDeclaredField(\"expected\"); f.setInt(null, 0); } catch (Exception e) { }",
        Refused("getDeclaredField"),
    ),
    (
        "reflection by a method reference",
        Deposit,
        "java.util.function.Function<Class<?>, Object[]> f = Class::getDeclaredFields; f.apply(Account.class);",
        Refused("getDeclaredFields"),
    ),
    (
        "a lookup of its own",
        Deposit,
        "try { java.lang.invoke.MethodHandles.lookup().findStaticSetter(Class.forName(\"bank.BankTest\"), \"expected\", int.class); } catch (Exception e) { }",
        Refused("MethodHandles"),
    ),
    (
        "a stack walker",
        Deposit,
        "StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE).forEach(f -> f.getDeclaringClass());",
        Refused("StackWalker"),
    ),
    (
        "an expression of beans",
        Deposit,
        "try { new java.beans.Expression(Account.class, \"getDeclaredFields\", new Object[0]).getValue(); } catch (Exception e) { }",
        Refused("java.beans.Expression"),
    ),
    (
        "a style sheet that calls methods",
        Deposit,
        "try { javax.xml.transform.TransformerFactory.newInstance(); } catch (Exception e) { }",
        Refused("javax.xml.transform"),
    ),
    ("the class loader", Deposit, "Account.class.getClassLoader().clearAssertionStatus();", Refused("getClassLoader")),
    (
        "a class loader of its own",
        Member,
        "static class L extends ClassLoader { Class<?> d(byte[] b) { return defineClass(null, b, 0, b.length); } }",
        Refused("ClassLoader"),
    ),
    (
        "classes from somewhere else",
        Deposit,
        "try { new java.net.URLClassLoader(new java.net.URL[] {new File(\"/scratch/\").toURI().toURL()}).loadClass(\"X\"); } catch (Exception e) { }",
        Refused("URLClassLoader"),
    ),
    (
        "another context class loader",
        Constructor,
        "Thread.currentThread().setContextClassLoader(null);",
        Refused("setContextClassLoader"),
    ),
    ("a service", Deposit, "ServiceLoader.load(Runnable.class).forEach(Runnable::run);", Refused("ServiceLoader")),
    ("a native library", Deposit, "System.load(\"/scratch/x.so\");", Refused("System.load")),
    ("a security manager", Deposit, "System.setSecurityManager(null);", Refused("setSecurityManager")),
    // --- other processes
    (
        "a process that writes into its parent",
        Deposit,
        "try { new ProcessBuilder(\"sh\", \"-c\", \"for f in /proc/$PPID/fd/*; do echo x > $f; done\").start().waitFor(); } catch (Exception e) { }",
        Refused("ProcessBuilder"),
    ),
    (
        "a shell by Runtime.exec",
        Deposit,
        "try { Runtime.getRuntime().exec(new String[] {\"kill\", \"-9\", \"1\"}); } catch (IOException e) { }",
        Refused("Runtime.exec"),
    ),
    (
        "killing the parent",
        Deposit,
        "ProcessHandle.current().parent().ifPresent(ProcessHandle::destroyForcibly);",
        Refused("ProcessHandle"),
    ),
    // --- taking others' places
    (
        "a class of JUnit's",
        File("Assertions.java"),
        "package org.junit.jupiter.api; public class Assertions { public static void assertEquals(int a, int b) { } }",
        Refused("org.junit is reserved"),
    ),
    ("the test class itself", File("BankTest.java"), "package bank; class BankTest { }", Refused("bank.BankTest")),
    ("a class inside the test class", File("Inner.java"), "package bank; class BankTest$In { }", Refused("BankTest")),
    (
        "the tests' helper",
        File("Helper.java"),
        "package bank; class Helper { static void differ(Object a, Object b) { } }",
        Refused("bank.Helper"),
    ),
    (
        "another annotation Test",
        File("Test.java"),
        "package bank; import java.lang.annotation.*; @Retention(RetentionPolicy.RUNTIME) public @interface Test { }",
        Refused("Rename it"),
    ),
    ("another Integer", File("Integer.java"), "package bank; class Integer { }", Points(0.0)),
    (
        "another List",
        File("Objects.java"),
        "package bank; class Objects { static boolean equals(Object a, Object b) { return true; } }",
        Points(25.0),
    ),
    // --- what objects say of themselves
    (
        "equals is always true",
        Member,
        "@Override public boolean equals(Object o) { return true; } @Override public int hashCode() { return 1; }",
        Points(25.0),
    ),
    (
        "equals throws",
        Member,
        "@Override public boolean equals(Object o) { throw new IllegalStateException(); } @Override public int hashCode() { throw new IllegalStateException(); }",
        Points(25.0),
    ),
    ("toString ends it", Member, "@Override public String toString() { System.exit(0); return null; }", Points(25.0)),
    (
        "a list that equals everything",
        Member,
        "static class All extends ArrayList<Integer> { @Override public boolean equals(Object o) { return true; } }",
        Points(25.0),
    ),
    // --- exceptions
    (
        "an exception whose message ends everything",
        Deposit,
        "throw new RuntimeException() { @Override public String getMessage() { System.exit(0); return null; } };",
        Points(25.0),
    ),
    (
        "an exception whose message never comes",
        Deposit,
        "throw new RuntimeException() { @Override public String getMessage() { while (true) { } } };",
        Points(25.0),
    ),
    // JUnit itself cannot go on from this, and nothing counts.
    (
        "an exception without a trace that causes itself",
        Deposit,
        "throw new RuntimeException() { @Override public Throwable getCause() { return this; } @Override public StackTraceElement[] getStackTrace() { return null; } };",
        Points(0.0),
    ),
    ("an assertion error of its own", Deposit, "throw new AssertionError(\"passed\");", Points(25.0)),
    ("the death of a thread", Deposit, "throw new ThreadDeath();", Points(25.0)),
    (
        "an assumption that fails",
        Deposit,
        "throw new org.opentest4j.TestAbortedException();",
        Refused("does not compile"),
    ),
    // --- resources
    ("an endless loop", Deposit, "while (true) { }", Points(25.0)),
    ("endless recursion", Deposit, "deposit(n);", Points(25.0)),
    ("all memory", Deposit, "List<long[]> l = new ArrayList<>(); while (true) l.add(new long[1 << 20]);", Points(25.0)),
    ("a flood", Deposit, "while (true) System.out.println(\"passed\");", Points(25.0)),
    // --- the runner's threads and surroundings
    (
        "interrupting everybody",
        Deposit,
        "Thread[] all = new Thread[50]; int k = Thread.currentThread().getThreadGroup().getParent().enumerate(all); for (int i = 0; i < k; i++) all[i].interrupt();",
        Marked(25.0, "ThreadGroup.enumerate"),
    ),
    (
        "a thread that goes on",
        Constructor,
        "Thread t = new Thread(() -> { while (true) { FORGED System.out.print(\"\"); Thread.onSpinWait(); } }); t.setDaemon(true); t.start();",
        Points(25.0),
    ),
    ("closed streams", Constructor, "System.in.close(); System.out.close(); System.err.close();", Points(25.0)),
    (
        "settings of JUnit",
        Constructor,
        "System.setProperty(\"junit.jupiter.conditions.deactivate\", \"*\"); System.setProperty(\"junit.jupiter.testclass.order.default\", \"x\");",
        Marked(25.0, "System.setProperty"),
    ),
    (
        "another locale and time zone",
        Constructor,
        "Locale.setDefault(Locale.forLanguageTag(\"ar\")); TimeZone.setDefault(TimeZone.getTimeZone(\"Asia/Kolkata\"));",
        Marked(25.0, "Locale.setDefault"),
    ),
    (
        "deleting class files",
        Constructor,
        "for (File f : new File(\"/build/bank\").listFiles()) { f.delete(); try (var o = new FileOutputStream(f)) { o.write(0); } catch (IOException e) { } }",
        Points(25.0),
    ),
];

fn lab() -> Value {
    let limits =
        json!({"limits": {"cpu_ms": 2500, "wall_ms": 8000, "memory_mb": 160, "output_kb": 64, "processes": 32}});
    junit(&[("BankTest.java", TEST), ("Helper.java", HELPER)], limits)
}

fn verify(name: &str, grade: &Grade, deserves: Deserves) -> Result<(), String> {
    let all = || format!("{name}: {}", said(grade));
    let marks = || grade.tests.iter().flat_map(|t| &t.suspicious).cloned().collect::<Vec<_>>().join("; ");
    let fine = match deserves {
        Points(points) => grade.score == points && grade.verdict != Ac,
        Marked(points, words) => grade.score == points && grade.verdict != Ac && marks().contains(words),
        Refused(words) => {
            let message = grade.message.as_deref().unwrap_or_default();
            grade.verdict == Ce && grade.score == 0.0 && words.split('|').any(|w| message.contains(w))
        }
    };
    if fine { Ok(()) } else { Err(all()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_no_program_that_tampers_with_junit_earns_a_point_that_it_does_not_deserve() {
    let court = Court::compiling().await;
    let court_ref = &court;
    let failures: Vec<String> = stream::iter(ATTACKS)
        .map(|(name, at, code, deserves)| async move {
            let code = code.replace("FORGED", FORGED);
            let files = account(*at, &code);
            let files: Vec<_> = files.iter().map(|(n, c)| (*n, c.as_str())).collect();
            let grade = court_ref.grade_of(Case::new("java", &files, lab())).await;
            verify(name, &grade, *deserves).err()
        })
        .buffer_unordered(3)
        .filter_map(|failure| async { failure })
        .collect()
        .await;
    court.close().await;
    assert!(ATTACKS.len() >= 25);
    assert!(failures.is_empty(), "{} attacks: {}", failures.len(), failures.join("\n"));
}

/// The same class, done as it should be.
const HONEST: &str = "package bank;\nimport java.util.*;\npublic class Account {\n    private int balance;\n    Account() { this(0); }\n    Account(int n) { balance = n; }\n    int balance() { return balance; }\n    void deposit(int n) { balance += n; }\n    List<Integer> fees() { return new ArrayList<>(List.of(1, 2, 3)); }\n    @Override public boolean equals(Object o) { return o instanceof Account a && a.balance == balance; }\n    @Override public int hashCode() { return Objects.hash(balance); }\n    @Override public String toString() { return getClass().getSimpleName() + \" \" + balance; }\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn t4_an_honest_program_gets_everything_with_all_that_the_language_has() {
    let court = Court::open().await;
    let modern = HONEST.replace(
        "private int balance;",
        "private int balance;\n    enum Kind { A, B }\n    sealed interface S permits R, Q { }\n    record R(int x) implements S { }\n    record Q(String y) implements S { }\n    static String of(S s, Kind k) { Runnable r = () -> System.out.println(k); r.run(); assert k != null; return switch (s) { case R(int x) when x > 1 -> \"r\" + x; case R z -> z.toString(); case Q(var y) -> y + k; } + switch (k) { case A -> 1; case B -> 2; }; }\n    static final String USED = of(new R(2), Kind.B) + java.util.stream.Stream.of(1, 2).map(Object::toString).toList() + Thread.currentThread().getName();",
    );
    for (language, code) in [("java", HONEST), ("java", &modern), ("java25", HONEST), ("java25", &modern)] {
        let grade = court.grade_of(Case::new(language, &[("Account.java", code)], lab())).await;
        assert_eq!((grade.verdict, grade.score), (Ac, 100.0), "{}", said(&grade));
        assert!(grade.tests[0].suspicious.is_empty(), "{}", said(&grade));
    }
    // A lab may allow reflection; then staff see it.
    let reflects = HONEST.replace(
        "private int balance;",
        "private int balance;\n    static final int FIELDS = Account.class.getDeclaredFields().length;",
    );
    let mut allowing = lab();
    allowing["allow"] = json!(["reflection"]);
    let grade = court.grade_of(Case::new("java", &[("Account.java", &reflects)], allowing)).await;
    assert_eq!((grade.verdict, grade.score), (Ac, 100.0), "{}", said(&grade));
    assert!(grade.tests[0].suspicious.iter().any(|s| s.contains("getDeclaredFields")), "{}", said(&grade));
    court.close().await;
}
