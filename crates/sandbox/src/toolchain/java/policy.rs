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
const BEANS_THAT_TELL: [&str; 3] =
    ["java/beans/PropertyChange", "java/beans/PropertyVeto", "java/beans/VetoableChange"];

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
        let lookup =
            (owner == "java/lang/invoke/MethodHandles$Lookup" && member.is_some()).then_some(Concern::Tampering);
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
    if bare.len() == name.len() {
        name
    } else {
        bare.strip_prefix('L').and_then(|n| n.strip_suffix(';')).unwrap_or(bare)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A class file with nothing but a constant pool: a member of a class.
    fn calls(owner: &str, member: &str) -> Vec<u8> {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65, 0, 7];
        for text in [owner, member, "()V"] {
            bytes.push(1);
            bytes.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend([7, 0, 1, 12, 0, 2, 0, 3, 10, 0, 4, 0, 5]);
        bytes
    }

    fn concern(owner: &str, member: &str) -> Option<Concern> {
        let found = uses("A", &calls(owner, member));
        assert!(found.len() < 2, "{found:?}");
        found.into_iter().next().map(|u| u.concern)
    }

    #[test]
    fn what_a_class_calls_tells_what_it_could_do() {
        for (owner, member, expected) in [
            ("java/lang/Class", "getDeclaredFields", Some(Concern::Reflection)),
            ("java/lang/reflect/Method", "invoke", Some(Concern::Reflection)),
            ("java/lang/invoke/MethodHandles", "lookup", Some(Concern::Tampering)),
            ("java/lang/invoke/MethodHandles$Lookup", "findVirtual", Some(Concern::Tampering)),
            ("sun/misc/Unsafe", "putInt", Some(Concern::Tampering)),
            ("org/junit/jupiter/api/Assertions", "fail", Some(Concern::Tampering)),
            ("java/beans/Expression", "execute", Some(Concern::Tampering)),
            ("java/lang/System", "exit", Some(Concern::Odd)),
            ("java/beans/PropertyChangeSupport", "firePropertyChange", None),
            ("java/lang/invoke/LambdaMetafactory", "metafactory", None),
            ("java/lang/reflect/Array", "newInstance", None),
            ("java/lang/Class", "getSimpleName", None),
            ("java/lang/Thread", "start", None),
            ("[Lsun/misc/Unsafe;", "clone", Some(Concern::Tampering)),
        ] {
            assert_eq!(concern(owner, member), expected, "{owner}.{member}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_trusted() {
        let whole = calls("java/lang/Object", "x");
        for end in 0..whole.len() {
            assert_eq!(uses("A", &whole[..end]).len(), 1, "{end}");
        }
        assert!(uses("A", &whole).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            uses("A", &[&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65][..], &bytes].concat());
        }
    }
}
