// Task `mnist`: files to samples, and what is said when they do not fit.
#include "tasks/mnist/mnist_task.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/config/user_error.h"
#include "kernels/core/random.h"
#include "tasks/load_task.h"
#include "tasks/sources/crossing.h"
#include "tasks/sources/cue.h"
#include "tasks/sources/rate.h"
#include "tests/tasks/idx_text.h"

namespace spikelane {
namespace {

using test::idx_text;
using test::ScratchFolder;
using test::write_file;

RunConfig config_of(const ScratchFolder& folder) {
  RunConfig config;
  config.seed = 21;
  config.data_dir = folder.path().string();
  config.task.kind = TaskKind::kMnist;
  return config;
}

std::vector<Problem> problems_of(const RunConfig& config) {
  CHECK_THROWS_AS(load_task(config), UserError);
  try {
    describe_task(config);
  } catch (const UserError& error) {
    return error.problems();
  }
  FAIL("not refused");
  return {};
}

std::vector<InputEvent> events_of(const Dataset& data, int sample, std::uint32_t epoch = 0) {
  std::vector<InputEvent> events{{99, 99}};  // must be cleared
  data.source->write(sample, epoch, events);
  return events;
}

bool is_same(const std::vector<InputEvent>& a, const std::vector<InputEvent>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.step == y.step && x.unit == y.unit;
  });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("mnist: sizes, labels and events of a small data set") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  RunConfig config = config_of(folder);
  config.task.mnist.n_cue_steps = 4;
  for (const MnistCoding coding : {MnistCoding::kCrossing, MnistCoding::kRate}) {
    config.task.mnist.coding = coding;
    config.task.mnist.n_rate_units = 7;
    const int cue_unit = coding == MnistCoding::kRate ? 7 : 79;
    const TaskShape shape = describe_task(config);
    const TaskData data = load_task(config);
    CHECK(shape.n_inputs == cue_unit + 1);
    CHECK(shape.n_steps == 10);
    CHECK(shape.n_classes == 10);
    CHECK(shape.n_train == 5);
    CHECK(shape.n_test == 3);
    CHECK(data.n_classes == 10);
    CHECK(data.train.labels == std::vector<std::int32_t>{9, 0, 4, 4, 1});
    CHECK(data.test.labels == std::vector<std::int32_t>{2, 8, 7});
    for (const Dataset* part : {&data.train, &data.test}) {
      const bool is_test = part == &data.test;
      CHECK(part->n_samples == (is_test ? 3 : 5));
      CHECK(part->n_steps == 10);
      CHECK(part->n_inputs == cue_unit + 1);
      CHECK(part->events.empty());
      CHECK(part->offsets.empty());
      const auto pixels = test::some_pixels(part->n_samples, 6);
      for (int i = 0; i < part->n_samples; ++i) {
        const std::span image = std::span(pixels).subspan(static_cast<std::size_t>(6 * i), 6);
        std::vector<InputEvent> expected;
        if (coding == MnistCoding::kRate)
          // test samples are numbered after the training samples
          append_rate_events(image, 7, {21, 2, static_cast<std::uint32_t>(is_test ? 5 + i : i)},
                             expected);
        else
          append_crossing_events(image, expected);
        append_cue_events(6, 4, cue_unit, expected);
        CHECK(is_same(events_of(*part, i, 2), expected));
      }
    }
  }
}

TEST_CASE("mnist: n_train and n_test take the first samples, which stay as they are") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  RunConfig config = config_of(folder);
  config.task.mnist.coding = MnistCoding::kRate;
  const TaskData all = load_task(config);
  config.task.mnist.n_train = 2;
  config.task.mnist.n_test = 1;
  const TaskShape shape = describe_task(config);
  CHECK(shape.n_train == 2);
  CHECK(shape.n_test == 1);
  const TaskData some = load_task(config);
  CHECK(some.train.n_samples == 2);
  CHECK(some.train.labels == std::vector<std::int32_t>{9, 0});
  CHECK(some.test.labels == std::vector<std::int32_t>{2});
  CHECK(is_same(events_of(some.train, 1), events_of(all.train, 1)));
  CHECK(is_same(events_of(some.test, 0), events_of(all.test, 0)));

  config.task.mnist.n_train = 6;
  config.task.mnist.n_test = 4;
  const auto problems = problems_of(config);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].place == "task.n_train");
  CHECK(problems[0].value == "6");
  CHECK(problems[0].allowed == "0 to 5, the samples of the files");
  CHECK(problems[1].place == "task.n_test");
}

TEST_CASE("mnist: first_train leaves samples out and the others as they are") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  RunConfig config = config_of(folder);
  config.task.mnist.coding = MnistCoding::kRate;
  const TaskData all = load_task(config);
  config.task.mnist.first_train = 2;
  CHECK(describe_task(config).n_train == 3);
  const TaskData rest = load_task(config);
  CHECK(rest.train.labels == std::vector<std::int32_t>{4, 4, 1});
  CHECK(rest.test.n_samples == 3);
  for (int i = 0; i < 3; ++i) CHECK(is_same(events_of(rest.train, i), events_of(all.train, i + 2)));
  config.task.mnist.n_train = 2;
  const TaskData two = load_task(config);
  CHECK(two.train.labels == std::vector<std::int32_t>{4, 4});
  CHECK(is_same(events_of(two.train, 1), events_of(all.train, 3)));

  config.task.mnist.n_train = 4;
  auto problems = problems_of(config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == "task.n_train");
  CHECK(problems[0].allowed == "0 to 3, the samples of the files");
  config.task.mnist.n_train = 0;
  config.task.mnist.first_train = 5;
  problems = problems_of(config);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == "task.first_train");
  CHECK(problems[0].value == "5");
  CHECK(problems[0].allowed == "0 to 4, a training sample of the files");
}

TEST_CASE("mnist: rate draws anew each epoch, crossing does not, both always the same") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  RunConfig config = config_of(folder);
  const TaskData crossing = load_task(config);
  CHECK(is_same(events_of(crossing.train, 3, 0), events_of(crossing.train, 3, 1)));
  config.task.mnist.coding = MnistCoding::kRate;
  const TaskData rate = load_task(config);
  CHECK(is_same(events_of(rate.train, 3, 1), events_of(rate.train, 3, 1)));
  CHECK_FALSE(is_same(events_of(rate.train, 3, 0), events_of(rate.train, 3, 1)));
  ++config.seed;
  const TaskData other = load_task(config);
  CHECK_FALSE(is_same(events_of(rate.train, 3, 0), events_of(other.train, 3, 0)));
}

TEST_CASE("mnist: shifted images, each epoch elsewhere, of training alone") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  RunConfig config = config_of(folder);
  config.task.mnist.n_cue_steps = 0;
  config.task.mnist.shift = 1;
  const TaskData moved = load_task(config);
  const TaskShape shape = describe_task(config);
  REQUIRE(shape.n_steps == 6);
  const auto pixels = test::some_pixels(5, 6);
  std::set<std::pair<int, int>> seen;
  for (std::uint32_t epoch = 0; epoch < 40; ++epoch)
    for (int sample = 0; sample < 5; ++sample) {
      const RandomKey key{21, 0xffffffffu, epoch, Stream::kInput,
                          static_cast<std::uint32_t>(sample)};
      const auto third = [&](int i) {  // -1, 0 or 1
        return static_cast<int>(3.0 * random_word(i, key) / 4294967296.0) - 1;
      };
      const int right = third(0), down = third(1);
      seen.insert({right, down});
      // images are 2 rows of 3
      std::vector<std::uint8_t> expected_image(6, 0);
      for (int row = 0; row < 2; ++row)
        for (int column = 0; column < 3; ++column) {
          const int from_row = row - down, from_column = column - right;
          if (from_row >= 0 && from_row < 2 && from_column >= 0 && from_column < 3)
            expected_image[static_cast<std::size_t>(3 * row + column)] =
                pixels[static_cast<std::size_t>(6 * sample + 3 * from_row + from_column)];
        }
      std::vector<InputEvent> expected;
      append_crossing_events(expected_image, expected);
      CHECK(is_same(events_of(moved.train, sample, epoch), expected));
    }
  CHECK(seen.size() == 9);
  config.task.mnist.shift = 0;
  const TaskData still = load_task(config);
  for (int sample = 0; sample < 3; ++sample)
    CHECK(is_same(events_of(moved.test, sample, 7), events_of(still.test, sample, 7)));
  // by as much as the image and more: nothing is left of some, and no place outside is read
  config.task.mnist.shift = 9;
  const TaskData far = load_task(config);
  for (std::uint32_t epoch = 0; epoch < 40; ++epoch)
    for (const InputEvent& event : events_of(far.train, 2, epoch)) CHECK(event.step < 6);
}

TEST_CASE("mnist: no cue, a folder by its full path") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "elsewhere/fashion");
  RunConfig config = config_of(folder);
  config.data_dir = "/nowhere";
  config.task.mnist.folder = (folder / "elsewhere/fashion").string();
  config.task.mnist.n_cue_steps = 0;
  const TaskData data = load_task(config);
  CHECK(data.train.n_steps == 6);
  CHECK(data.train.n_inputs == 80);
  std::vector<InputEvent> expected;
  append_crossing_events(test::some_pixels(1, 6), expected);
  CHECK(is_same(events_of(data.train, 0), expected));
}

TEST_CASE("mnist: missing files are told all at once, with places and remedy") {
  const ScratchFolder folder;
  RunConfig config = config_of(folder);
  config.task.mnist.folder = "no-such-folder";
  auto problems = problems_of(config);
  REQUIRE(problems.size() == 4);
  std::set<std::string> values;
  for (const Problem& problem : problems) {
    CHECK(problem.place == "task.folder");
    CHECK(contains(problem.allowed, "tools/fetch_mnist.sh"));
    CHECK(contains(problem.allowed, "dataset-fashion-mnist"));
    values.insert(problem.value);
  }
  CHECK(values.size() == 4);
  CHECK(contains(problems[0].value,
                 (folder / "no-such-folder/train-images-idx3-ubyte.gz").string() + ","));
  CHECK(contains(problems[0].value,
                 (folder / "no-such-folder/train-images-idx3-ubyte").string() + ","));

  test::write_small_mnist(folder / "no-such-folder");
  std::filesystem::remove(folder / "no-such-folder/t10k-labels-idx1-ubyte");
  problems = problems_of(config);
  REQUIRE(problems.size() == 1);
  CHECK(contains(problems[0].value, "t10k-labels-idx1-ubyte"));
}

TEST_CASE("mnist: files that do not fit each other") {
  const ScratchFolder folder;
  const auto problem_with = [&](const std::string& name, const std::string& content) {
    const auto mnist = folder / "mnist";
    std::filesystem::remove_all(mnist);
    test::write_small_mnist(mnist);
    // the plain file is found before the gzipped one
    const auto path = write_file(mnist / name, content);
    const auto problems = problems_of(config_of(folder));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == path.string());
    return problems[0];
  };
  const auto pixels = test::some_pixels(3, 6);
  Problem problem = problem_with("train-labels-idx1-ubyte", idx_text({4}, {1, 2, 3, 4}));
  CHECK(problem.value == "4 labels");
  CHECK(contains(problem.allowed, "5, one for each image"));
  problem = problem_with("t10k-images-idx3-ubyte", idx_text({3, 3, 2}, pixels));
  CHECK(problem.value == "images of 3 x 2 pixels");
  CHECK(contains(problem.allowed, "2 x 3, as the training images"));
  problem = problem_with("t10k-labels-idx1-ubyte", idx_text({3, 2, 3}, pixels));
  CHECK(contains(problem.allowed, "0 0 8 1"));
  // beyond what the counters hold
  std::filesystem::remove_all(folder / "mnist");
  test::write_small_mnist(folder / "mnist");
  write_file(folder / "mnist/train-images-idx3-ubyte", idx_text({5, 257, 256}, {}));
  const auto problems = problems_of(config_of(folder));
  CHECK(contains(problems[0].value, "257 x 256"));
  CHECK(contains(problems[0].allowed, "at most 65536 pixels"));
}

TEST_CASE("mnist: a label that is no digit is told by its number") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  const auto path =
      write_file(folder / "mnist/t10k-labels-idx1-ubyte", idx_text({3}, {2, 10, 255}));
  const RunConfig config = config_of(folder);
  CHECK(describe_task(config).n_test == 3);  // heads alone do not show it
  try {
    load_task(config);
    FAIL("not refused");
  } catch (const UserError& error) {
    REQUIRE(error.problems().size() == 1);
    CHECK(error.problems()[0].place == path.string() + ": label 1");
    CHECK(error.problems()[0].value == "10");
    CHECK(error.problems()[0].allowed == "a class from 0 to 9");
  }
}

TEST_CASE("mnist: damaged files are refused, or make a data set that fits together") {
  const ScratchFolder folder;
  test::write_small_mnist(folder / "mnist");
  const RunConfig config = config_of(folder);
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz",
                           "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"}) {
    const auto path = folder / "mnist" / name;
    const std::string content = test::read_file(path);
    for (std::size_t i = 0; i < content.size(); ++i) {
      CAPTURE(name);
      CAPTURE(i);
      write_file(path, content.substr(0, i));
      CHECK_THROWS_AS(load_task(config), UserError);
      for (const int flip : {1, 4, 16, 128, 255}) {
        std::string damaged = content;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        write_file(path, damaged);
        try {
          const TaskData data = load_task(config);
          CHECK(data.train.labels.size() == 5);
          CHECK(events_of(data.train, 4).size() >= 56);
          CHECK(events_of(data.test, 2).size() >= 56);
        } catch (const UserError&) {
        }
      }
    }
    write_file(path, content);
  }
  CHECK(load_task(config).train.n_samples == 5);
}

}  // namespace spikelane
