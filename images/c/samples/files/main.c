#include <stdio.h>

#include "numbers.h"

int main(void) {
    printf("%d\n", SIX * seven());
    return 0;
}
