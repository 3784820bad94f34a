module Main where

import Text.Printf (printf)

greeting :: String -> String
greeting to = "Hello, " ++ to ++ "!"

main :: IO ()
main = do
  putStrLn (unwords (map greeting ["Ada", "Grace", "Jürgen"]))
  printf "π ≈ %.4f\n" (pi :: Double)
