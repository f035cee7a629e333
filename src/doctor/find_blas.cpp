#include <cctype>
#include <dlfcn.h>
#include <filesystem>
#include <system_error>

#include "doctor/host_facts.hpp"

namespace gpushard::doctor {
namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// The file that a symbol of this process is in, links followed: Debian's libblas.so.3 is a link to the BLAS chosen.
std::string file_of_symbol(const char* name) {
    void* const address = dlsym(RTLD_DEFAULT, name);
    Dl_info info{};
    if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(info.dli_fname, error);
    return error ? info.dli_fname : real.string();
}

BlasFacts::Threads threads_of_openblas() {
    const auto get_parallel = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
    if (get_parallel == nullptr) return BlasFacts::Threads::unknown;
    switch (get_parallel()) {
        case 0:
            return BlasFacts::Threads::none;
        case 1:
            return BlasFacts::Threads::own;
        case 2:
            return BlasFacts::Threads::openmp;
        default:
            return BlasFacts::Threads::unknown;
    }
}

}  // namespace

BlasKind blas_kind_of(const std::string& file) {
    if (file.empty()) return BlasKind::unknown;
    if (contains(file, "openblas")) return BlasKind::openblas;
    if (contains(file, "mkl")) return BlasKind::mkl;
    if (contains(file, "blis")) return BlasKind::blis;
    if (contains(file, "atlas")) return BlasKind::atlas;
    const std::string name = std::filesystem::path(file).filename().string();
    if (name.rfind("libblas", 0) == 0 || name.rfind("librefblas", 0) == 0) return BlasKind::reference;
    return BlasKind::other;
}

BlasFacts find_blas() {
    BlasFacts blas;
    blas.file = file_of_symbol("sgemm_");
    blas.kind = blas_kind_of(blas.file);
    // A program with everything linked in names itself; what else it has tells which BLAS it is.
    const bool has_openblas = dlsym(RTLD_DEFAULT, "openblas_get_config") != nullptr;
    if ((blas.kind == BlasKind::other || blas.kind == BlasKind::reference) && has_openblas) {
        blas.kind = BlasKind::openblas;
    }
    if (blas.kind == BlasKind::openblas) blas.threads = threads_of_openblas();
    return blas;
}

}  // namespace gpushard::doctor
