fine = 1
print(fine +)  # error here
