#include <stdio.h>
#include "x.h"
int foo(int);
int main(void) {
	int é = 1; int unused;
	/* é */ printf("%s\n", 3); bar(); 
	char *p = 5;
	return foo(1)
}
