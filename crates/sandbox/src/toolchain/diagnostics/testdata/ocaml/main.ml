(* File "main.ml", line 99, characters 1-2:
Error: in a comment *)
let é = 1
