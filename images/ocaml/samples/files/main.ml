let () = Printf.printf "%d\n" (Numbers.six * Numbers.seven ())
