main :: IO ()
main = putStrLn (1 :: Int) -- error here
