#include <iostream>
#include <string>
#include <vector>
#include <map>
#include <algorithm>
