#pragma once
#define SIX 6

int seven(void);
