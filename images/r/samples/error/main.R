print("fine")
print(1 +) # error here
