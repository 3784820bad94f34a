module Main where

import Helper (f, missing)

-- Main.hs:99:1: error: in a comment
main :: IO ()
main = do
  let é = "é" :: String; n = é + 1 :: Int
  putStrLn (f n)
