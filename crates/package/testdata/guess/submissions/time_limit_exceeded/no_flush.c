#include <stdio.h>
int main(void) { char said[20]; printf("500\n"); return scanf("%19s", said) == 1 ? 0 : 1; }
