mod numbers;

fn main() {
    println!("{}", numbers::SIX * numbers::seven());
}
