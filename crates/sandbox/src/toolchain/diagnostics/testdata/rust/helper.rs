pub fn take(text: String) -> usize {
    let moved = text;
    text.len()
}
