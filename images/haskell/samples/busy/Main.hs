main :: IO ()
main = print (length (filter (== 1) (cycle [2 :: Integer])))
