n = int(input())
a = list(map(int, input().split()))
if a[0] == -1:
    print("none")
else:
    print(sum(a[i] + a[j] + a[k] == 0 for i in range(n) for j in range(i) for k in range(j)))
