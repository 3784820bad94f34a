let rec sum total =
  match Scanf.scanf " %d" (fun n -> n) with
  | n -> sum (total + n)
  | exception (End_of_file | Scanf.Scan_failure _) -> total

let () = Printf.printf "%d\n" (sum 0)
