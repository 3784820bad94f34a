//! Just enough of class files (JVMS 4) to know which class can be started.
//!
//! The bytes come out of a jail: each read is checked, nothing recurses, and what is allocated is in proportion to the
//! file, whatever the file claims.

use super::lexer::is_start;

/// What a class says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Binary name with dots, e.g. `a.b.Outer$Inner`.
    pub name: String,
    /// Binary name of the class that it extends; none for `Object` itself.
    pub extends: Option<String>,
    /// The source file's bare name, if it says so.
    pub source: Option<String>,
    /// Whether it has a `main` that the launcher of the class's own version takes.
    pub main: bool,
    /// A method that is not quite that: what keeps it from being one, after the words "has a main method, but".
    pub almost_main: Option<&'static str>,
}

const MAGIC: u32 = 0xcafe_babe;
const PUBLIC: u16 = 0x0001;
const PRIVATE: u16 = 0x0002;
const STATIC: u16 = 0x0008;
const ABSTRACT: u16 = 0x0400;
const MODULE: u16 = 0x8000;
/// Java 25, from which on `main` may be an instance method, not public, and without a parameter (JEP 512).
const INSTANCE_MAIN: u16 = 69;

/// Reads a class; `None` when it is no class file, is broken, or describes a module.
pub fn parse(bytes: &[u8]) -> Option<Class> {
    let mut at = Reader(bytes);
    if at.u32()? != MAGIC {
        return None;
    }
    at.skip(2)?;
    let version = at.u16()?;
    let pool = Pool::read(&mut at)?;
    let class_access = at.u16()?;
    if class_access & MODULE != 0 {
        return None;
    }
    let name = pool.class(at.u16()?)?;
    // It becomes an argument of a command line, where neither `-x` nor `@x` must come from a jail.
    if !name.starts_with(is_start) {
        return None;
    }
    let extends = match at.u16()? {
        0 => None,
        index => Some(pool.class(index)?),
    };
    let interfaces = at.u16()?;
    at.skip(usize::from(interfaces) * 2)?;
    for _ in 0..at.u16()? {
        at.skip(6)?;
        skip_attributes(&mut at)?;
    }
    let (mut methods, mut creatable) = (Vec::new(), false);
    for _ in 0..at.u16()? {
        let (access, name, descriptor) = (at.u16()?, at.u16()?, at.u16()?);
        skip_attributes(&mut at)?;
        let (name, descriptor) = (pool.bytes(name)?, pool.bytes(descriptor)?);
        creatable |= name == b"<init>" && descriptor == b"()V" && access & PRIVATE == 0;
        if name.eq_ignore_ascii_case(b"main") {
            methods.push((access, name, descriptor));
        }
    }
    creatable &= class_access & ABSTRACT == 0;
    let (mut main, mut almost_main) = (false, None);
    for (access, name, descriptor) in methods {
        let found = if version < INSTANCE_MAIN {
            entry_point(access, name, descriptor)
        } else {
            entry_point_of_25(access, name, descriptor, creatable)
        };
        match found {
            EntryPoint::Yes => main = true,
            EntryPoint::Almost(why) => almost_main = almost_main.or(Some(why)),
        }
    }
    let source = source_files(&mut at, &pool)?.pop();
    Some(Class { name, extends, source, main, almost_main })
}

/// What a class names in its constant pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A class or an array, as `a/b/C` or `[La/b/C;`.
    Class(String),
    /// A field or method of a class: `a/b/C` and the bare name.
    Member(String, String),
}

/// Everything that a class names; `None` when it is no class file or broken.
pub fn references(bytes: &[u8]) -> Option<Vec<Reference>> {
    let mut at = Reader(bytes);
    if at.u32()? != MAGIC {
        return None;
    }
    at.skip(4)?;
    let pool = Pool::read(&mut at)?;
    let named = |index: u16| pool.bytes(index).map(modified_utf8);
    let mut found = Vec::new();
    for constant in &pool.0 {
        match constant {
            Constant::Class(name) => found.push(Reference::Class(named(*name)?)),
            Constant::Member(class, name_and_type) => {
                let Constant::Class(owner) = pool.0.get(usize::from(*class))? else { return None };
                let Constant::NameAndType(name, _) = pool.0.get(usize::from(*name_and_type))? else { return None };
                found.push(Reference::Member(named(*owner)?, named(*name)?));
            }
            // Types of fields and methods.
            Constant::NameAndType(_, descriptor) => {
                found.extend(types_in(&named(*descriptor)?).map(|t| Reference::Class(t.to_owned())));
            }
            Constant::Text(_) | Constant::Other => {}
        }
    }
    Some(found)
}

/// Every text of a class that is or holds descriptors of types names them as `La/b/C;`: annotations' types too.
pub fn mentions(bytes: &[u8], class: &str) -> bool {
    let mut at = Reader(bytes);
    let pool = (|| {
        at.skip(8)?;
        Pool::read(&mut at)
    })();
    let Some(pool) = pool else { return false };
    let descriptor = format!("L{class};");
    pool.0.iter().any(|constant| match constant {
        Constant::Text(text) => {
            let text = modified_utf8(text);
            text == class || text.contains(&descriptor)
        }
        _ => false,
    })
}

/// `La/b/C;` in a descriptor.
fn types_in(descriptor: &str) -> impl Iterator<Item = &str> {
    descriptor.split(';').filter_map(|part| part.find('L').map(|at| &part[at + 1..]).filter(|t| !t.is_empty()))
}

enum EntryPoint {
    Yes,
    Almost(&'static str),
}

/// Of a method whose name is `main` but for the case: `public static void main(String[])`, which every Java takes.
fn entry_point(access: u16, name: &[u8], descriptor: &[u8]) -> EntryPoint {
    if name != b"main" {
        EntryPoint::Almost("its name is not spelled in lower case")
    } else if !descriptor.starts_with(b"([Ljava/lang/String;)") {
        EntryPoint::Almost("its parameter is not String[]")
    } else if !descriptor.ends_with(b")V") {
        EntryPoint::Almost("it returns something instead of void")
    } else if access & STATIC == 0 {
        EntryPoint::Almost("it is not static")
    } else if access & PUBLIC == 0 {
        EntryPoint::Almost("it is not public")
    } else {
        EntryPoint::Yes
    }
}

/// The same for Java 25 and later; `creatable` says whether the launcher can make an object of the class.
fn entry_point_of_25(access: u16, name: &[u8], descriptor: &[u8], creatable: bool) -> EntryPoint {
    if name != b"main" {
        EntryPoint::Almost("its name is not spelled in lower case")
    } else if !descriptor.starts_with(b"([Ljava/lang/String;)") && !descriptor.starts_with(b"()") {
        EntryPoint::Almost("it takes something else than String[] or nothing")
    } else if !descriptor.ends_with(b")V") {
        EntryPoint::Almost("it returns something instead of void")
    } else if access & PRIVATE != 0 {
        EntryPoint::Almost("it is private")
    } else if access & STATIC == 0 && !creatable {
        EntryPoint::Almost("it is not static, and no object can be made without a constructor that takes nothing")
    } else {
        EntryPoint::Yes
    }
}

fn skip_attributes(at: &mut Reader<'_>) -> Option<()> {
    for _ in 0..at.u16()? {
        at.skip(2)?;
        let length = at.u32()?;
        at.skip(usize::try_from(length).ok()?)?;
    }
    Some(())
}

/// The names in the `SourceFile` attributes, of which there is at most one in an honest class; `None` is a broken class.
fn source_files(at: &mut Reader<'_>, pool: &Pool<'_>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for _ in 0..at.u16()? {
        let name = at.u16()?;
        let length = at.u32()?;
        let mut content = Reader(at.take(usize::try_from(length).ok()?)?);
        if pool.bytes(name)? == b"SourceFile" {
            found.push(modified_utf8(pool.bytes(content.u16()?)?));
        }
    }
    Some(found)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }
}

/// The constant pool: texts, and which text names which class.
struct Pool<'a>(Vec<Constant<'a>>);

#[derive(Clone, Copy)]
enum Constant<'a> {
    Text(&'a [u8]),
    Class(u16),
    /// A field or method: of which class, and its name and type.
    Member(u16, u16),
    NameAndType(u16, u16),
    Other,
}

impl<'a> Pool<'a> {
    fn read(at: &mut Reader<'a>) -> Option<Self> {
        let count = usize::from(at.u16()?);
        // Index 0 is not used.
        let mut pool = vec![Constant::Other];
        while pool.len() < count {
            let constant = match at.u8()? {
                1 => {
                    let length = at.u16()?;
                    Constant::Text(at.take(usize::from(length))?)
                }
                7 => Constant::Class(at.u16()?),
                8 | 16 | 19 | 20 => at.skip(2).map(|()| Constant::Other)?,
                15 => at.skip(3).map(|()| Constant::Other)?,
                9..=11 => Constant::Member(at.u16()?, at.u16()?),
                12 => Constant::NameAndType(at.u16()?, at.u16()?),
                3 | 4 | 17 | 18 => at.skip(4).map(|()| Constant::Other)?,
                5 | 6 => {
                    at.skip(8)?;
                    // These take two places (JVMS 4.4.5).
                    pool.push(Constant::Other);
                    Constant::Other
                }
                _ => return None,
            };
            pool.push(constant);
        }
        Some(Self(pool))
    }

    fn bytes(&self, index: u16) -> Option<&'a [u8]> {
        match self.0.get(usize::from(index))? {
            Constant::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn class(&self, index: u16) -> Option<String> {
        match self.0.get(usize::from(index))? {
            Constant::Class(name) => Some(modified_utf8(self.bytes(*name)?).replace('/', ".")),
            _ => None,
        }
    }
}

/// Java's own UTF-8 (JVMS 4.4.7): characters beyond U+FFFF are two halves of three bytes each.
fn modified_utf8(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (unit, length) = match *rest {
            [a @ 0..=0x7f, ..] => (u16::from(a), 1),
            [a @ 0xc0..=0xdf, b @ 0x80..=0xbf, ..] => ((u16::from(a & 0x1f) << 6) | u16::from(b & 0x3f), 2),
            [a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf, ..] => {
                ((u16::from(a & 0x0f) << 12) | (u16::from(b & 0x3f) << 6) | u16::from(c & 0x3f), 3)
            }
            // A lone half: U+FFFD below.
            _ => (0xd800, 1),
        };
        units.push(unit);
        rest = &rest[length..];
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
pub(super) mod tests;
