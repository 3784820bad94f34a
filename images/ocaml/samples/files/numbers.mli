val six : int
val seven : unit -> int
