import sys

secret = int(open(sys.argv[1]).read())


def end(code, why):
    with open(sys.argv[3] + "judgemessage.txt", "a") as message:
        message.write(why + "\n")
    sys.exit(code)


for turn in range(1, 11):
    line = sys.stdin.readline()
    try:
        guess = int(line)
    except ValueError:
        end(43, f"no number in turn {turn}: {line!r}")
    if guess == secret:
        print("correct", flush=True)
        end(42, f"found in turn {turn}")
    print("lower" if secret < guess else "higher", flush=True)
end(43, "too many guesses")
