//! What classes of a submission use, as their constant pools say: whatever a class calls, names or extends stands there.
//!
//! Classes that are tested share a virtual machine with the tests. Modules keep them out of the runner, but reflection
//! could still reach into the tests' own classes, and what was loaded from somewhere else was never looked at. So what
//! can do that is refused beforehand. This is sound because only sources are handed in: javac writes no constant pool
//! that hides what is called.

use std::collections::BTreeSet;

use super::class_file::{Reference, references};

/// Something that a class uses and that is not usual in a program under test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The class, with dots.
    pub class: String,
    /// What it uses, as people write it.
    pub what: String,
    /// What it could do with that.
    pub concern: Concern,
}

/// What something could be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Reaching into other classes; a lab may allow it.
    Reflection,
    /// Bringing in code that nobody has looked at, other processes, or what only tests use.
    Tampering,
    /// Nothing but an odd run: it is marked.
    Odd,
}

/// Whole packages, with all below them.
const PACKAGES: [&str; 18] = [
    "com/sun/",
    "java/lang/foreign/",
    "java/lang/instrument/",
    "java/lang/management/",
    "java/lang/module/",
    "java/rmi/",
    "javax/management/",
    "javax/naming/",
    "javax/script/",
    "javax/tools/",
    // Style sheets can call any method.
    "javax/xml/transform/",
    "jdk/",
    "junit/",
    "org/hamcrest/",
    "org/junit/",
    "org/opentest4j/",
    "sun/",
    "iteratione/",
];

/// Classes.
const CLASSES: [(&str, Concern); 24] = [
    ("java/lang/Module", Concern::Tampering),
    ("java/lang/ModuleLayer", Concern::Tampering),
    ("java/lang/ModuleLayer$Controller", Concern::Tampering),
    ("java/lang/Process", Concern::Tampering),
    ("java/lang/ProcessBuilder", Concern::Tampering),
    ("java/lang/ProcessHandle", Concern::Tampering),
    ("java/lang/SecurityManager", Concern::Tampering),
    ("java/lang/StackWalker", Concern::Tampering),
    ("java/lang/invoke/VarHandle", Concern::Tampering),
    ("java/lang/reflect/AccessibleObject", Concern::Reflection),
    ("java/lang/reflect/Constructor", Concern::Reflection),
    ("java/lang/reflect/Executable", Concern::Reflection),
    ("java/lang/reflect/Field", Concern::Reflection),
    ("java/lang/reflect/Method", Concern::Reflection),
    ("java/lang/reflect/Proxy", Concern::Odd),
    ("java/net/URLClassLoader", Concern::Tampering),
    ("java/security/SecureClassLoader", Concern::Tampering),
    ("java/util/ServiceLoader", Concern::Tampering),
    ("java/util/concurrent/atomic/AtomicIntegerFieldUpdater", Concern::Reflection),
    ("java/util/concurrent/atomic/AtomicLongFieldUpdater", Concern::Reflection),
    ("java/util/concurrent/atomic/AtomicReferenceFieldUpdater", Concern::Reflection),
    ("javax/swing/UIDefaults", Concern::Tampering),
    ("javax/swing/UIDefaults$ProxyLazyValue", Concern::Tampering),
    ("javax/swing/text/DefaultFormatter", Concern::Reflection),
];

/// Beans call methods by their names; only those that tell of changes are harmless.
const BEANS: &str = "java/beans/";
const BEANS_THAT_TELL: [&str; 3] = ["java/beans/PropertyChange", "java/beans/PropertyVeto", "java/beans/VetoableChange"];

/// Methods of classes that are harmless otherwise. `*` is any name that begins so.
const METHODS: [(&str, &str, Concern); 32] = [
    ("java/lang/Class", "forName", Concern::Odd),
    ("java/lang/Class", "getClassLoader", Concern::Tampering),
    ("java/lang/Class", "getConstructor*", Concern::Reflection),
    ("java/lang/Class", "getDeclared*", Concern::Reflection),
    ("java/lang/Class", "getEnclosingMethod", Concern::Reflection),
    ("java/lang/Class", "getField*", Concern::Reflection),
    ("java/lang/Class", "getMethod*", Concern::Reflection),
    ("java/lang/Class", "getModule", Concern::Tampering),
    ("java/lang/Class", "getRecordComponents", Concern::Reflection),
    ("java/lang/Class", "newInstance", Concern::Reflection),
    ("java/lang/ClassLoader", "*", Concern::Tampering),
    ("java/lang/Runtime", "addShutdownHook", Concern::Odd),
    ("java/lang/Runtime", "exec", Concern::Tampering),
    ("java/lang/Runtime", "exit", Concern::Odd),
    ("java/lang/Runtime", "halt", Concern::Odd),
    ("java/lang/Runtime", "load*", Concern::Tampering),
    ("java/lang/System", "exit", Concern::Odd),
    ("java/lang/System", "load*", Concern::Tampering),
    ("java/lang/System", "setErr", Concern::Odd),
    ("java/lang/System", "setIn", Concern::Odd),
    ("java/lang/System", "setOut", Concern::Odd),
    ("java/lang/System", "setProperties", Concern::Odd),
    ("java/lang/System", "setProperty", Concern::Odd),
    ("java/lang/System", "setSecurityManager", Concern::Tampering),
    ("java/lang/Thread", "getAllStackTraces", Concern::Odd),
    ("java/lang/Thread", "getContextClassLoader", Concern::Tampering),
    ("java/lang/Thread", "getStackTrace", Concern::Odd),
    ("java/lang/Thread", "setContextClassLoader", Concern::Tampering),
    ("java/lang/ThreadGroup", "enumerate", Concern::Odd),
    // Where there are lambdas it is named too, as what the lookup that they get is inside of.
    ("java/lang/invoke/MethodHandles", "*", Concern::Tampering),
    ("java/util/Locale", "setDefault", Concern::Odd),
    ("java/util/TimeZone", "setDefault", Concern::Odd),
];

/// What a class uses that is not usual, each once. A class that cannot be read uses something that nobody knows.
pub fn uses(class: &str, bytes: &[u8]) -> Vec<Use> {
    let made = |what: String, concern| Use { class: class.to_owned(), what, concern };
    let Some(references) = references(bytes) else {
        return vec![made("something that cannot be read".to_owned(), Concern::Tampering)];
    };
    let mut found = BTreeSet::new();
    for reference in references {
        let (owner, member) = match &reference {
            Reference::Class(owner) => (owner.as_str(), None),
            Reference::Member(owner, member) => (owner.as_str(), Some(member.as_str())),
        };
        let owner = element(owner);
        let beans = owner.starts_with(BEANS) && !BEANS_THAT_TELL.iter().any(|b| owner.starts_with(b));
        let whole = (beans || PACKAGES.iter().any(|p| owner.starts_with(p))).then_some(Concern::Tampering);
        let named = CLASSES.iter().find(|(c, _)| *c == owner).map(|(_, concern)| *concern);
        // Lambdas name the lookup that the virtual machine hands them; only code that wants one for itself calls it.
        let lookup = (owner == "java/lang/invoke/MethodHandles$Lookup" && member.is_some()).then_some(Concern::Tampering);
        let of_class = whole.or(named).or(lookup);
        let extends_loader = (owner == "java/lang/ClassLoader").then_some(Concern::Tampering);
        let of_member = member.and_then(|member| {
            let known = METHODS.iter().find(|(c, m, _)| *c == owner && fits(m, member));
            known.map(|(_, _, concern)| *concern)
        });
        if let Some(concern) = of_class.or(extends_loader) {
            found.insert(made(owner.replace(['/', '$'], "."), concern));
        } else if let Some(concern) = of_member {
            found.insert(made(format!("{}.{}", owner.replace(['/', '$'], "."), member.unwrap_or_default()), concern));
        }
    }
    found.into_iter().collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |begin| name.starts_with(begin))
}

/// `[[Lx/Y;` is about `x/Y`.
fn element(name: &str) -> &str {
    let bare = name.trim_start_matches('[');
    if bare.len() == name.len() { name } else { bare.strip_prefix('L').and_then(|n| n.strip_suffix(';')).unwrap_or(bare) }
}
