main :: IO ()
main = print (head (filter (> 0) [0 :: Int]))
