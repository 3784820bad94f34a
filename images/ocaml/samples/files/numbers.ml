let six = 6
let seven () = 7
