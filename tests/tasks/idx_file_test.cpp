// Idx files: what is read, and every way a file can be wrong.
#include "tasks/mnist/idx_file.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/config/user_error.h"
#include "tests/tasks/idx_text.h"

namespace spikelane {
namespace {

using test::gzipped;
using test::idx_text;
using test::ScratchFolder;
using test::write_file;

// the one problem of a file with this content
Problem problem_of(const std::string& content, int n_sizes) {
  const ScratchFolder folder;
  const auto path = write_file(folder / "file", content);
  try {
    read_idx(path, n_sizes);
  } catch (const UserError& error) {
    REQUIRE(error.problems().size() == 1);
    CHECK(error.problems()[0].place == path.string());
    return error.problems()[0];
  }
  FAIL("not refused");
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("idx: plain and gzipped files hold the same") {
  const ScratchFolder folder;
  const std::vector<std::uint8_t> values = test::some_pixels(4, 6);
  const std::string text = idx_text({4, 2, 3}, values);
  for (const std::string& content : {text, gzipped(text)}) {
    const auto path = write_file(folder / "file", content);
    CHECK(read_idx_sizes(path, 3) == std::vector<std::int64_t>{4, 2, 3});
    const IdxData data = read_idx(path, 3);
    CHECK(data.sizes == std::vector<std::int64_t>{4, 2, 3});
    CHECK(data.values == values);
  }
  // larger than a piece that is read at once
  const std::vector<std::uint8_t> many((std::size_t{1} << 24) + 77, 200);
  const auto path = write_file(folder / "large",
                               gzipped(idx_text({static_cast<std::uint32_t>(many.size())}, many)));
  CHECK((read_idx(path, 1).values == many));
}

TEST_CASE("idx: wrong heads are told with what was found and what is expected") {
  const std::vector<std::uint8_t> two{1, 2};
  CHECK(problem_of("", 1).value == "fewer than 4 bytes");
  CHECK(problem_of(std::string(3, '\0'), 1).value == "fewer than 4 bytes");
  CHECK(contains(problem_of("{\"a\": 1}", 1).value, "starts with 123 34 97 34"));
  const Problem images_for_labels = problem_of(idx_text({2, 1, 1}, two), 1);
  CHECK(contains(images_for_labels.value, "0 0 8 3"));
  CHECK(contains(images_for_labels.allowed, "0 0 8 1"));
  std::string floats = idx_text({2}, two);
  floats[2] = 0x0d;
  CHECK(contains(problem_of(floats, 1).value, "0 0 13 1"));
  CHECK(contains(problem_of(idx_text({2}, {}).substr(0, 7), 1).value, "within its sizes"));
  CHECK(problem_of(idx_text({0}, {}), 1).value == "sizes 0");
  CHECK(problem_of(idx_text({2, 0, 3}, {}), 3).value == "sizes 2 x 0 x 3");
  CHECK(contains(problem_of(idx_text({0x80000000u}, two), 1).allowed, "2147483647"));
  CHECK(contains(problem_of(idx_text({0xffffffffu, 0xffffffffu, 0xffffffffu}, two), 3).allowed,
                 "2147483647"));
}

TEST_CASE("idx: a file as long as its sizes say, no longer and no shorter") {
  const std::vector<std::uint8_t> five{1, 2, 3, 4, 5};
  Problem problem = problem_of(idx_text({6}, five), 1);
  CHECK(problem.value == "a truncated file: 5 bytes of values");
  CHECK(problem.allowed == "6 bytes of values, as its sizes 6 say");
  CHECK(problem_of(gzipped(idx_text({6}, five)), 1).value == "a truncated file: 5 bytes of values");
  problem = problem_of(idx_text({2, 1, 2}, five), 3);
  CHECK(problem.value == "bytes after the last value");
  CHECK(problem.allowed == "4 bytes of values, as its sizes 2 x 1 x 2 say");
  CHECK(problem_of(gzipped(idx_text({4}, five)), 1).value == "bytes after the last value");
  // the sizes promise 2 GiB: refused without making room for them
  CHECK(contains(problem_of(idx_text({0x7fffffffu}, five), 1).value, "5 bytes of values"));
}

TEST_CASE("idx: files that cannot be read") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH_AS(read_idx(folder / "nothing", 1), doctest::Contains("No such file"),
                       UserError);
  CHECK_THROWS_WITH_AS(read_idx_sizes(folder / "nothing", 1), doctest::Contains("not readable"),
                       UserError);
  CHECK_THROWS_AS(read_idx(folder.path(), 1), UserError);
}

TEST_CASE("idx: a damaged file is refused or has values for its sizes") {
  const ScratchFolder folder;
  const auto path = folder / "file";
  const std::string text = idx_text({3, 2, 2}, test::some_pixels(3, 4));
  for (const std::string& content : {text, gzipped(text)}) {
    const bool is_gzipped = content != text;
    CAPTURE(is_gzipped);
    for (std::size_t n = 0; n < content.size(); ++n) {
      CAPTURE(n);
      write_file(path, content.substr(0, n));
      CHECK_THROWS_AS(read_idx(path, 3), UserError);
    }
    int n_read = 0, n_refused = 0;
    for (std::size_t bit = 0; bit < 8 * content.size(); ++bit) {
      std::string damaged = content;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      write_file(path, damaged);
      try {
        const IdxData data = read_idx(path, 3);
        ++n_read;
        CHECK(data.sizes.size() == 3);
        CHECK(data.values.size() == 12);
        // gzip's check sum finds every flipped bit of the values
        if (is_gzipped) CHECK((data.values == test::some_pixels(3, 4)));
      } catch (const UserError&) {
        ++n_refused;
      }
    }
    CHECK(n_read > 0);
    CHECK(n_refused > 0);
  }
}

}  // namespace spikelane
