let greeting name = "Hello, " ^ name ^ "!"

let () =
  print_endline (String.concat " " (List.map greeting [ "Ada"; "Grace"; "Jürgen" ]));
  Printf.printf "π ≈ %.4f\n" (4.0 *. atan 1.0)
