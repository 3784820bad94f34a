#include <math.h>
#include <stdio.h>

static void greet(const char *to, int last) {
    printf("Hello, %s!%c", to, last ? '\n' : ' ');
}

int main(void) {
    const char *names[] = {"Ada", "Grace", "Jürgen"};
    for (int i = 0; i < 3; i++)
        greet(names[i], i == 2);
    printf("π ≈ %.4f\n", acos(-1.0));
    return 0;
}
