//! What a resident compiler is asked and answers, as bytes. Every language with a `[warm]` table speaks this.
//!
//! Integers are big-endian; a text, a path and a content are `u32` length and so many bytes.
//!
//! Request: `u32` most bytes of messages, `u32` most bytes of files, `u32` most files, `u32` number of arguments, each
//! a text, `u32` number of sources, each a path and a content. Answer: `u8` flags (1 the messages were cut, 2 there were
//! too many files or bytes, 4 this was the compiler's last), `i32` exit status, messages, `u32` number of files, each a
//! path and a content.

use std::collections::BTreeSet;

use crate::paths::check_path;

const CUT: u8 = 1;
const TOO_MUCH: u8 = 2;
const LAST: u8 = 4;

/// What is to be compiled.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The whole command line, as the cold compiler would get it.
    pub arguments: &'a [String],
    /// Paths and contents of all files.
    pub sources: &'a [(String, Vec<u8>)],
    /// The most bytes of messages.
    pub text_bytes: u32,
    /// The most bytes of files.
    pub files_bytes: u32,
    /// The most files.
    pub files: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As the compiler's process would have ended.
    pub status: i32,
    /// Its messages.
    pub text: Vec<u8>,
    /// There were more.
    pub cut: bool,
    /// Relative paths and contents, sorted by path, no path twice.
    pub files: Vec<(String, Vec<u8>)>,
    /// There were more than were wanted; `files` is empty then.
    pub too_much: bool,
    /// The compiler does not want to be asked again.
    pub last: bool,
}

/// The request's bytes. Fails only for what is longer than four gigabytes.
pub fn encode(order: &Order<'_>) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let mut out = Vec::new();
    for most in [order.text_bytes, order.files_bytes, order.files] {
        out.extend_from_slice(&most.to_be_bytes());
    }
    let number = |out: &mut Vec<u8>, n: usize| u32::try_from(n).map(|n| out.extend_from_slice(&n.to_be_bytes()));
    let put = |out: &mut Vec<u8>, bytes: &[u8]| number(out, bytes.len()).map(|()| out.extend_from_slice(bytes));
    number(&mut out, order.arguments.len())?;
    for argument in order.arguments {
        put(&mut out, argument.as_bytes())?;
    }
    number(&mut out, order.sources.len())?;
    for (path, content) in order.sources {
        put(&mut out, path.as_bytes())?;
        put(&mut out, content)?;
    }
    Ok(out)
}

/// Reads an answer. Nothing of it is believed: it comes out of a jail.
pub fn decode(bytes: &[u8], order: &Order<'_>) -> Result<Answer, &'static str> {
    const SHORT: &str = "the answer ends too early";
    let mut at = Reader(bytes);
    let [flags] = at.array().ok_or(SHORT)?;
    if flags & !(CUT | TOO_MUCH | LAST) != 0 {
        return Err("the answer has unknown flags");
    }
    let status = i32::from_be_bytes(at.array().ok_or(SHORT)?);
    let text = at.content().ok_or(SHORT)?;
    if text.len() > order.text_bytes as usize {
        return Err("the messages are longer than was wanted");
    }
    let count = at.u32().ok_or(SHORT)?;
    let too_much = flags & TOO_MUCH != 0;
    if count > order.files || (too_much && count > 0) {
        return Err("there are more files than were wanted");
    }
    let (mut files, mut paths, mut left) = (Vec::new(), BTreeSet::new(), order.files_bytes as usize);
    for _ in 0..count {
        let path = std::str::from_utf8(at.content().ok_or(SHORT)?).map_err(|_| "a path is not UTF-8")?;
        check_path(path).map_err(|_| "a path leads out of the build folder")?;
        if !paths.insert(path) {
            return Err("a path comes twice");
        }
        let content = at.content().ok_or(SHORT)?;
        left = left.checked_sub(content.len()).ok_or("the files are bigger than was wanted")?;
        files.push((path.to_owned(), content.to_vec()));
    }
    if !at.0.is_empty() {
        return Err("the answer goes on after its end");
    }
    files.sort();
    Ok(Answer { status, text: text.to_vec(), cut: flags & CUT != 0, files, too_much, last: flags & LAST != 0 })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn content(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDER: Order<'static> = Order { arguments: &[], sources: &[], text_bytes: 64, files_bytes: 1000, files: 5 };

    fn put(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_be_bytes());
        out.extend_from_slice(bytes);
    }

    fn encoded(answer: &Answer) -> Vec<u8> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let mut out = vec![flag(answer.cut, CUT) | flag(answer.too_much, TOO_MUCH) | flag(answer.last, LAST)];
        out.extend_from_slice(&answer.status.to_be_bytes());
        put(&mut out, &answer.text);
        out.extend_from_slice(&u32::try_from(answer.files.len()).expect("few").to_be_bytes());
        for (path, content) in &answer.files {
            put(&mut out, path.as_bytes());
            put(&mut out, content);
        }
        out
    }

    fn answer(files: &[(&str, &[u8])]) -> Answer {
        let files = files.iter().map(|(p, c)| ((*p).to_owned(), c.to_vec())).collect();
        Answer { status: 0, text: b"x".to_vec(), cut: false, files, too_much: false, last: false }
    }

    #[test]
    fn no_path_leads_out_of_the_build_folder_and_none_comes_twice() {
        for path in ["../Main.class", "/etc/x", "a/../b", "", "a//b", ".", "a\n", "a\0b", &"x".repeat(300)] {
            assert!(decode(&encoded(&answer(&[(path, b"")])), &ORDER).is_err(), "{path:?}");
        }
        assert!(decode(&encoded(&answer(&[("A.class", b""), ("A.class", b"")])), &ORDER).is_err());
        assert!(decode(&encoded(&answer(&[("a/A$1.class", b"x")])), &ORDER).is_ok());
    }

    #[test]
    fn more_than_was_wanted_is_refused() {
        let six: Vec<String> = (0..6).map(|n| format!("{n}.class")).collect();
        let six: Vec<_> = six.iter().map(|p| (p.as_str(), &b""[..])).collect();
        assert!(decode(&encoded(&answer(&six)), &ORDER).is_err());
        assert!(decode(&encoded(&answer(&[("A", &[0; 600]), ("B", &[0; 600])])), &ORDER).is_err());
        let long = Answer { text: vec![b'x'; 65], ..answer(&[]) };
        assert!(decode(&encoded(&long), &ORDER).is_err());
        assert!(decode(&encoded(&Answer { too_much: true, ..answer(&[("A", b"")]) }), &ORDER).is_err());
    }

    #[test]
    fn an_order_is_laid_out_as_is_said_above() {
        let arguments = ["javac".to_owned()];
        let sources = [("A.java".to_owned(), b"class".to_vec())];
        let order = Order { arguments: &arguments, sources: &sources, text_bytes: 1, files_bytes: 2, files: 3 };
        let expected =
            b"\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x01\0\0\0\x05javac\0\0\0\x01\0\0\0\x06A.java\0\0\0\x05class";
        assert_eq!(encode(&order).expect("short"), expected);
    }

    proptest! {
        #[test]
        fn a_whole_answer_comes_back_and_a_cut_or_a_longer_one_is_refused(
            status in any::<i32>(), text in prop::collection::vec(any::<u8>(), 0..64), cut in any::<bool>(),
            last in any::<bool>(), names in prop::collection::btree_set("[a-z]{1,8}(/[A-Z]{1,3})?", 0..5),
            place in any::<prop::sample::Index>(),
        ) {
            let files = names.into_iter().map(|n| (n.clone(), n.into_bytes())).collect();
            let answer = Answer { status, text, cut, files, too_much: false, last };
            let bytes = encoded(&answer);
            prop_assert_eq!(decode(&bytes, &ORDER), Ok(answer));
            prop_assert!(decode(&bytes[..place.index(bytes.len())], &ORDER).is_err());
            prop_assert!(decode(&[bytes, vec![0]].concat(), &ORDER).is_err());
        }

        #[test]
        fn whatever_comes_is_within_what_was_asked_for(bytes in prop::collection::vec(prop_oneof![Just(0u8), 0..8u8, any::<u8>()], 0..200)) {
            if let Ok(answer) = decode(&bytes, &ORDER) {
                prop_assert!(answer.files.len() <= 5 && answer.text.len() <= 64);
                prop_assert!(answer.files.iter().all(|(p, _)| check_path(p).is_ok()));
                prop_assert!(answer.files.iter().map(|(_, c)| c.len()).sum::<usize>() <= 1000);
            }
        }
    }
}
