// docs/config.md holds the tables that the program makes of its own keys.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/config/parse_config.h"

TEST_CASE("docs/config.md is current") {
  const std::filesystem::path file =
      std::filesystem::path(SPIKELANE_SOURCE_DIR) / "docs" / "config.md";
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::string mark = "<!-- made from here on -->\n";
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  const std::string current = text.substr(0, at + mark.size()) + spikelane::config_keys_markdown();
  if (std::getenv("SPIKELANE_WRITE_DOCS") != nullptr) std::ofstream(file) << current;
  // not CHECK(text == current): doctest would print both
  const bool is_current = text == current || std::getenv("SPIKELANE_WRITE_DOCS") != nullptr;
  CHECK_MESSAGE(is_current, "run the tests with SPIKELANE_WRITE_DOCS=1 and look at the changes");
}
