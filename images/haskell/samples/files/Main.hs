import Numbers (seven, six)

main :: IO ()
main = print (six * seven)
