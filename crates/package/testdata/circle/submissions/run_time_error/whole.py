print(3.14159265358979 * int(input()) ** 2)
