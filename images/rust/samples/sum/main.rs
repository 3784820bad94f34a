use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("text");
    println!("{}", text.split_whitespace().map(|w| w.parse::<i64>().expect("a number")).sum::<i64>());
}
