fn greeting(to: &str) -> String {
    format!("Hello, {to}!")
}

fn main() {
    let words: Vec<String> = ["Ada", "Grace", "Jürgen"].into_iter().map(greeting).collect();
    println!("{}", words.join(" "));
    println!("π ≈ {:.4}", std::f64::consts::PI);
}
