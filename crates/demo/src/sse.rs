//! Server-sent events as they come off the wire: the parser of the HTML standard, over chunks of any size.

use serde_json::Value;

/// The most bytes that one event may have; a longer one is an error, never an allocation.
pub const LONGEST_EVENT: usize = 32 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its name; `message` unless the sender gave another.
    pub event: String,
    /// The newest id of the stream, to resume from.
    pub id: Option<String>,
    /// Its data.
    pub data: String,
}

impl Message {
    /// The data as JSON.
    pub fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.data)
    }
}

/// Takes bytes, gives events.
#[derive(Debug, Default)]
pub struct Parser {
    /// Bytes of a line that has not ended yet.
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    event: String,
    data: Option<String>,
    id: Option<String>,
    first_line_done: bool,
}

/// An event was longer than [`LONGEST_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a server-sent event is longer than {LONGEST_EVENT} bytes")
    }
}

impl std::error::Error for TooLong {}

impl Parser {
    /// Reads the next bytes of the stream and returns the events that they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut found = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => found.extend(self.end_of_line()),
                _ => {
                    if self.line.len() + self.data.as_ref().map_or(0, String::len) >= LONGEST_EVENT {
                        return Err(TooLong);
                    }
                    self.line.push(byte);
                }
            }
        }
        Ok(found)
    }

    fn end_of_line(&mut self) -> Option<Message> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.first_line_done, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_of_event();
        }
        // A comment has an empty field name, which is none of these.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }

    fn end_of_event(&mut self) -> Option<Message> {
        let name = std::mem::take(&mut self.event);
        let data = self.data.take()?;
        let event = if name.is_empty() { "message".to_owned() } else { name };
        Some(Message { event, id: self.id.clone(), data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<Message> {
        Parser::default().feed(text.as_bytes()).expect("short")
    }

    fn message(event: &str, id: Option<&str>, data: &str) -> Message {
        Message { event: event.to_owned(), id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn names_ids_comments_and_several_lines_of_data_are_read_as_the_standard_says() {
        let found = all("\u{feff}: hello\nevent: test\nid: 1-0\ndata: a\ndata:  b\n\ndata\n\nid\ndata:x\n\n");
        let expected = [
            message("test", Some("1-0"), "a\n b"),
            message("message", Some("1-0"), ""),
            message("message", Some(""), "x"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_event_without_data_or_without_its_empty_line_is_none() {
        assert_eq!(all("event: x\nid: 7\n\nretry: 10\n\n:\n\ndata: cut off\n"), []);
        assert_eq!(all("event: x\n\ndata: d\n\n"), [message("message", None, "d")], "the name is not kept");
    }

    #[test]
    fn an_endless_event_is_an_error_and_not_all_of_the_memory() {
        let mut parser = Parser::default();
        let chunk = vec![b'x'; 1 << 20];
        let failed = (0..64).find_map(|_| parser.feed(&chunk).err());
        assert_eq!(failed, Some(TooLong));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_chunks_and_which_line_ends_are(
            lines in prop::collection::vec("(event|id|data|:|x)(: ?[a-zé ]{0,5})?", 0..12), cut in 0_usize..200, end in 0_usize..3,
        ) {
            let with = |end: &str| lines.join(end) + end + end + end;
            let whole = all(&with("\n"));
            let text = with(["\n", "\r\n", "\r"][end]);
            let (a, b) = text.as_bytes().split_at(cut.min(text.len()));
            let mut parser = Parser::default();
            let mut parts = parser.feed(a).expect("short");
            parts.extend(parser.feed(b).expect("short"));
            prop_assert_eq!(parts, whole);
        }
    }
}
