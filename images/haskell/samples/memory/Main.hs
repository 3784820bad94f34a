import qualified Data.Map.Strict as Map

grow :: Int -> Map.Map Int [Int] -> Int
grow n kept
  | n < 0 = Map.size kept
  | otherwise = grow (n + 1) (Map.insert n [n .. n + 3] kept)

main :: IO ()
main = print (grow 0 Map.empty)
