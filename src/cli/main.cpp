#include <cstdio>

#include <gpushard/version.hpp>

int main() { std::printf("gpushard %s\n", gpushard::version().c_str()); }
