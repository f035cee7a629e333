#include <iostream>

#include <gpushard/gpushard.hpp>

int main() {
    auto index = gpushard::load("big.index");
    std::vector<float> query(index.dim(), 1.0f);
    for (auto [id, distance] : index.search(query, 10)) std::cout << id << ' ' << distance << '\n';
}
