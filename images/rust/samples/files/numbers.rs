pub const SIX: i32 = 6;

pub fn seven() -> i32 {
    7
}
