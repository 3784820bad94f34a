//! Bytes for people: quoted, blanks visible where they matter, cut.

/// Characters of a quotation.
const SHOWN: usize = 60;

/// A piece of output in quotation marks, invalid UTF-8 and control characters made visible.
pub(super) fn quoted(bytes: &[u8]) -> String {
    // Four bytes a character at most; what is cut off inside one shows as a replacement and is cut off too.
    let head = &bytes[..bytes.len().min(SHOWN * 4 + 4)];
    let text = String::from_utf8_lossy(head);
    let mut shown = String::new();
    for c in text.chars().take(SHOWN) {
        match c {
            '\t' => shown.push('⇥'),
            '\r' => shown.push('␍'),
            '\n' => shown.push('↵'),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    let more = if bytes.len() > head.len() || text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("«{shown}{more}»")
}
