#include "numbers.hpp"

int numbers::seven() { return 7; }
