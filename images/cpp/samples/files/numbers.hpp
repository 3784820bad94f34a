#pragma once

namespace numbers {
constexpr int six = 6;
int seven();
}
