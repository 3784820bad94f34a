# Past the interpreter's own guard.
import sys

sys.setrecursionlimit(1 << 30)


class Deep:
    def __repr__(self):
        return repr([self])


repr(Deep())


def deeper(n):
    return deeper(n + 1)


deeper(0)
