fn main() {
    let number: i32 = "text"; // error here
    println!("{number}");
}
