#include <fstream>
#include <iostream>
#include <string>
