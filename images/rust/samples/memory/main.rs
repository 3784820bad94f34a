fn main() {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![kept.len() as u8; 1 << 20]));
    }
}
