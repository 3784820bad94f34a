mod helper;

// error: in a comment
//  --> main.rs:99:1
fn main() {
    let é: i32 = "é"; let unused = 1;
    println!("{}", helper::missing(é));
    let text = "error: in a string
 --> main.rs:98:1";
    helper::take(text); helper::take(text);
}
