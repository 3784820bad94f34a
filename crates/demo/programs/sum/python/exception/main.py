numbers = [int(n) for n in input().split()]
print(numbers[0] + numbers[2])
