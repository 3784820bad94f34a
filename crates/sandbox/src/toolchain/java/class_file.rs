//! Just enough of a class file (JVMS 4) to know its name, its source file, and whether it can be started.
//!
//! The bytes come from a jail: every length is checked, nothing is allocated by what they claim.

const ACC_PUBLIC: u16 = 0x0001;
const ACC_STATIC: u16 = 0x0008;
const MAIN_DESCRIPTOR: &str = "([Ljava/lang/String;)V";

/// What a class says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Binary name with dots, e.g. `a.b.Outer$Inner`.
    pub name: String,
    /// The source file's bare name, if it says so.
    pub source: Option<String>,
    /// Whether it has `public static void main(String[])`.
    pub main: bool,
    /// A method named `main` that is not quite that: what keeps it from being one.
    pub almost_main: Option<&'static str>,
}

/// Reads a class file; `None` if it is none.
pub fn parse(bytes: &[u8]) -> Option<Class> {
    let mut reader = Reader { bytes };
    if reader.u32()? != 0xcafe_babe {
        return None;
    }
    reader.skip(4)?;
    let pool = Pool::read(&mut reader)?;
    reader.skip(2)?;
    let name = pool.class_name(reader.u16()?)?;
    reader.skip(2)?;
    let interfaces = reader.u16()?;
    reader.skip(usize::from(interfaces) * 2)?;
    for _ in 0..reader.u16()? {
        reader.skip(6)?;
        skip_attributes(&mut reader)?;
    }
    let (mut main, mut almost_main) = (false, None);
    for _ in 0..reader.u16()? {
        let (flags, method, descriptor) = (reader.u16()?, reader.u16()?, reader.u16()?);
        skip_attributes(&mut reader)?;
        if pool.text(method).as_deref() == Some("main") {
            match almost(flags, &pool.text(descriptor)?) {
                None => main = true,
                Some(why) => almost_main = Some(why),
            }
        }
    }
    let source = source_file(&mut reader, &pool);
    Some(Class { name: name.replace('/', "."), source, main, almost_main })
}

/// What keeps a method named `main` from being an entry point of Java 21.
fn almost(flags: u16, descriptor: &str) -> Option<&'static str> {
    if !descriptor.starts_with("([Ljava/lang/String;)") {
        Some("its parameter is not String[]")
    } else if descriptor != MAIN_DESCRIPTOR {
        Some("it returns something")
    } else if flags & ACC_STATIC == 0 {
        Some("it is not static")
    } else if flags & ACC_PUBLIC == 0 {
        Some("it is not public")
    } else {
        None
    }
}

fn skip_attributes(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..reader.u16()? {
        reader.skip(2)?;
        let length = reader.u32()?;
        reader.skip(usize::try_from(length).ok()?)?;
    }
    Some(())
}

fn source_file(reader: &mut Reader<'_>, pool: &Pool<'_>) -> Option<String> {
    for _ in 0..reader.u16()? {
        let name = reader.u16()?;
        let length = usize::try_from(reader.u32()?).ok()?;
        if length == 2 && pool.text(name).as_deref() == Some("SourceFile") {
            return pool.text(reader.u16()?);
        }
        reader.skip(length)?;
    }
    None
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
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

enum Constant<'a> {
    Text(&'a [u8]),
    Class(u16),
    Other,
}

impl<'a> Pool<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let count = reader.u16()?;
        // Index 0 is not used.
        let mut pool = vec![Constant::Other];
        while pool.len() < usize::from(count) {
            let tag = reader.u8()?;
            let constant = match tag {
                1 => {
                    let length = reader.u16()?;
                    Constant::Text(reader.take(usize::from(length))?)
                }
                7 => Constant::Class(reader.u16()?),
                8 | 16 | 19 | 20 => reader.skip(2).map(|()| Constant::Other)?,
                15 => reader.skip(3).map(|()| Constant::Other)?,
                3 | 4 | 9 | 10 | 11 | 12 | 17 | 18 => reader.skip(4).map(|()| Constant::Other)?,
                5 | 6 => {
                    reader.skip(8)?;
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

    /// A text. Modified UTF-8 differs from UTF-8 only in what no name that matters here has; it is read lossily.
    fn text(&self, index: u16) -> Option<String> {
        match self.0.get(usize::from(index))? {
            Constant::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    fn class_name(&self, index: u16) -> Option<String> {
        match self.0.get(usize::from(index))? {
            Constant::Class(name) => self.text(*name),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A class file with one method, made by hand after JVMS 4.1.
    pub fn class(name: &str, source: &str, method: &str, descriptor: &str, flags: u16) -> Vec<u8> {
        let mut out = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65];
        let texts = [name, method, descriptor, "SourceFile", source];
        out.extend(8_u16.to_be_bytes());
        for text in texts {
            out.push(1);
            out.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
            out.extend(text.as_bytes());
        }
        out.extend([7, 0, 1, 7, 0, 1]);
        out.extend([0, 0x21, 0, 6, 0, 7, 0, 0, 0, 0]);
        out.extend([0, 1]);
        out.extend(flags.to_be_bytes());
        out.extend([0, 2, 0, 3, 0, 0]);
        out.extend([0, 1, 0, 4, 0, 0, 0, 2, 0, 5]);
        out
    }

    #[test]
    fn a_main_is_public_static_void_and_takes_strings() {
        let parsed = parse(&class("a/b/Main", "Main.java", "main", MAIN_DESCRIPTOR, 9)).expect("a class");
        assert_eq!(
            parsed,
            Class { name: "a.b.Main".to_owned(), source: Some("Main.java".to_owned()), main: true, almost_main: None }
        );
        let almost =
            |flags, descriptor| parse(&class("M", "M.java", "main", descriptor, flags)).expect("a class").almost_main;
        assert_eq!(almost(1, MAIN_DESCRIPTOR), Some("it is not static"));
        assert_eq!(almost(8, MAIN_DESCRIPTOR), Some("it is not public"));
        assert_eq!(almost(9, "()V"), Some("its parameter is not String[]"));
        assert_eq!(almost(9, "([Ljava/lang/String;)I"), Some("it returns something"));
    }

    #[test]
    fn what_is_no_class_file_is_none() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"\xca\xfe\xba\xbe"), None);
        assert_eq!(parse(b"PK\x03\x04 a jar under a class file's name"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            parse(&bytes);
        }

        #[test]
        fn nor_does_a_real_class_with_bytes_changed_or_cut(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = class("a/b/Main", "Main.java", "main", MAIN_DESCRIPTOR, 9);
            for (at, value) in changes { let at = at.index(bytes.len()); bytes[at] = value; }
            parse(&bytes);
            parse(&bytes[..cut.index(bytes.len())]);
        }
    }
}
