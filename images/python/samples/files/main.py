import numbers42

print(numbers42.SIX * numbers42.seven())
