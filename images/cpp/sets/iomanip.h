#include <iostream>
#include <iomanip>
