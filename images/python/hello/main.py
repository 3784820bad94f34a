import math


def greeting(to: str) -> str:
    return f"Hello, {to}!"


print(*(greeting(name) for name in ["Ada", "Grace", "Jürgen"]))
print(f"π ≈ {math.pi:.4f}")
