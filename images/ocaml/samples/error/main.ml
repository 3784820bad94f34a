let () = print_endline "fine"
let () = print_endline 1 (* error here *)
