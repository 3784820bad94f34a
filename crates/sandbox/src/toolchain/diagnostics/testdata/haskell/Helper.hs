module Helper (f) where

f :: Int -> String
f x = undefinedName x ++ "\
\Helper.hs:98:1: error: in a string"
