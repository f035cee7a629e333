#include "support/shell_script.hpp"

#include "support/index_writer.hpp"

namespace gpushard::test {

std::string write_script(const std::filesystem::path& path, const std::string& lines) {
    write_file(path, "#!/bin/sh\n" + lines + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
}

std::string fake_python(const std::string& on_search) {
    return R"(echo $$ >"$0.pid"
printf '%s\n' "$1" "$3" "$4" "$5" >"$0.arguments"
echo hello 9.9.9 OPTIMIZE AVX2
while read -r request first second; do
    echo "$request $first $second" >>"$0.requests"
    case $request in
        load) head -c $((4 * first * second)) >"$0.queries"; echo loaded ;;
        search) )" +
           on_search + R"( ;;
    esac
done)";
}

}  // namespace gpushard::test
