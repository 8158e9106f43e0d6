// What the compiler made of the per-ISA objects: whose symbols they export, and how wide their
// vectors are. A shared inline function compiled for AVX-512 could be the copy the linker keeps,
// and end the program on an older machine; a loop left scalar is 25 times slower and gives the same
// results, so only a look at the code finds it.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/skip.h"

using spikelane::test::note_skip;

namespace {

/// ISA name -> its object files, from the list the build wrote.
std::map<std::string, std::vector<std::string>> isa_objects() {
  std::map<std::string, std::vector<std::string>> objects;
  std::ifstream in(SPIKELANE_ISA_OBJECTS);
  std::string isa, path;
  while (in >> isa && std::getline(in >> std::ws, path)) objects[isa].push_back(path);
  return objects;
}

/// Standard output of a command, and whether it ended well.
std::pair<std::string, bool> output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (!pipe) return {"", false};
  std::string output;
  std::array<char, 65536> block{};
  for (std::size_t n; (n = fread(block.data(), 1, block.size(), pipe)) > 0;)
    output.append(block.data(), n);
  return {output, pclose(pipe) == 0};
}

bool is_there(const std::string& program) { return output_of(program + " --version").second; }

/// How many lines of the disassembly match.
long count_lines(const std::string& code, const std::string& pattern) {
  const std::regex matcher(pattern, std::regex::optimize | std::regex::nosubs);
  std::istringstream lines(code);
  long n = 0;
  for (std::string line; std::getline(lines, line);) n += std::regex_search(line, matcher) ? 1 : 0;
  return n;
}

/// Only the mnemonics and operands, without addresses and bytes.
std::string disassembly(const std::vector<std::string>& objects) {
  std::string code;
  for (const std::string& object : objects) {
    const auto [text, ok] = output_of("objdump -d --no-show-raw-insn '" + object + "'");
    INFO(object);
    CHECK(ok);
    code += text;
  }
  return code;
}

}  // namespace

TEST_CASE("isa objects: there is one set per ISA of this architecture") {
  const auto objects = isa_objects();
#if defined(__x86_64__)
  const std::vector<std::string> expected = {"isa_v2", "isa_v3", "isa_v4"};
#else
  const std::vector<std::string> expected = {"isa_neon"};
#endif
  std::vector<std::string> found;
  for (const auto& [isa, files] : objects) {
    found.push_back(isa);
    for (const std::string& file : files) {
      INFO(file);
      CHECK(std::ifstream(file).good());
    }
  }
  CHECK(found == expected);
}

TEST_CASE("isa objects: every global function lives in the ISA's namespace") {
  if (SPIKELANE_IS_SANITIZED) return note_skip("sanitizers add symbols of their own");
  if (!is_there("nm")) return note_skip("no nm (sudo apt-get install binutils)");
  int n_functions = 0;
  for (const auto& [isa, files] : isa_objects())
    for (const std::string& file : files) {
      const auto [symbols, ok] = output_of("nm -C --defined-only '" + file + "'");
      REQUIRE(ok);
      // "0000000000000000 W name"; T and W are functions, i is an indirect one, u a unique object
      std::istringstream lines(symbols);
      for (std::string line; std::getline(lines, line);) {
        if (line.size() < 20 || std::string("TWiu").find(line[17]) == std::string::npos) continue;
        ++n_functions;
        INFO(file, ": ", line);
        CHECK(line.find(isa + "::", 19) != std::string::npos);
      }
    }
  CHECK(n_functions > 0);
}

#if defined(__x86_64__)
TEST_CASE("isa objects: hot loops are vectorised, to the width of the ISA") {
  if (!SPIKELANE_IS_OPTIMISED) return note_skip("the build is not optimised");
  if (!is_there("objdump")) return note_skip("no objdump (sudo apt-get install binutils)");
  auto objects = isa_objects();
  REQUIRE(objects.size() == 3);
  const std::string v2 = disassembly(objects["isa_v2"]);
  const std::string v3 = disassembly(objects["isa_v3"]);
  const std::string v4 = disassembly(objects["isa_v4"]);

  // the arithmetic of the element functions, packed, in the widest registers
  const std::string arithmetic = "\\bv?(mulps|addps|subps|fn?m(add|sub)[123]+ps)\\b.*%";
  CHECK(count_lines(v4, arithmetic + "zmm") > 0);
  CHECK(count_lines(v3, arithmetic + "ymm") > 0);
  CHECK(count_lines(v2, arithmetic + "xmm") > 0);

  // and nothing that a machine of that level does not have
  CHECK(count_lines(v3, "%(zmm|k[0-7])") == 0);
  CHECK(count_lines(v2, "%(ymm|zmm|k[0-7])") == 0);
  CHECK(count_lines(v2, "\\bvf(n?)m(add|sub)") == 0);

  // a vectorised loop has its remainder at half the width, once more; loops that fell back to half
  // the width as a whole would tip the count
  CHECK(count_lines(v4, arithmetic + "zmm") >= count_lines(v4, arithmetic + "ymm"));
  CHECK(count_lines(v3, arithmetic + "ymm") >= count_lines(v3, arithmetic + "xmm"));
}
#endif
