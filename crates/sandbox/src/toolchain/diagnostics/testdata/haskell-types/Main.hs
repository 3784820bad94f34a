main :: IO ()
main = do
  let é = "é" :: String; n = é + 1 :: Int
  putStrLn (f n)
  where f x = case x of
          1 -> 'a'
