let f x =
  match x with
  | 1 -> "one"
  | 2 -> (
let () = print_endline (f 1)
