local numbers = require("numbers")
print(numbers.six * numbers.seven())
