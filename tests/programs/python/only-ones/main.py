# Right for the sample, wrong otherwise.
text = input()
print("one" if text == "1" else "many")
