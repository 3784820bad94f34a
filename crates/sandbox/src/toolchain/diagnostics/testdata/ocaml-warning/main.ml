type colour = Red | Green | Blue
let name = function
  | Red -> "red"
  | Green -> "green"
let () =
  let unused = name Red in
  print_endline (name Missing)
