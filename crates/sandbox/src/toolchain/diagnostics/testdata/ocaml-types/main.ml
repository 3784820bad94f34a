let text = "File \"main.ml\", line 98, characters 1-2:
Error: in a string"
let () = print_endline text; print_endline ("é" ^ 1)
