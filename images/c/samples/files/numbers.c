#include "numbers.h"

int seven(void) { return 7; }
