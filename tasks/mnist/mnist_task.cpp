#include "tasks/mnist/mnist_task.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/config/config_keys.h"
#include "engine/config/user_error.h"
#include "engine/state/hash.h"
#include "kernels/core/random.h"
#include "tasks/data_path.h"
#include "tasks/mnist/idx_file.h"
#include "tasks/sources/crossing.h"
#include "tasks/sources/cue.h"
#include "tasks/sources/rate.h"

namespace spikelane {

namespace {

constexpr std::int64_t kMostPixels = 65536;

class MnistSource : public EventSource {
 public:
  // `first_number` is the sample number of image 0 for the random numbers
  MnistSource(const MnistConfig& config, std::vector<std::uint8_t> pixels, int n_pixels,
              int n_columns, std::uint64_t seed, std::uint32_t first_number)
      : config_(config),
        pixels_(std::move(pixels)),
        n_pixels_(n_pixels),
        n_columns_(n_columns),
        seed_(seed),
        first_number_(first_number) {}

  void write(int sample, std::uint32_t epoch, std::vector<InputEvent>& events) const override {
    events.clear();
    const auto n = static_cast<std::size_t>(n_pixels_);
    auto image = std::span(pixels_).subspan(static_cast<std::size_t>(sample) * n, n);
    static thread_local std::vector<std::uint8_t> moved;
    if (config_.shift > 0) {
      move(image, sample, epoch, moved);
      image = moved;
    }
    int cue_unit = kCrossingUnits;
    if (config_.coding == MnistCoding::kRate) {
      cue_unit = config_.n_rate_units;
      append_rate_events(image, config_.n_rate_units,
                         {seed_, epoch, first_number_ + static_cast<std::uint32_t>(sample)},
                         events);
    } else {
      append_crossing_events(image, events);
    }
    append_cue_events(n_pixels_, config_.n_cue_steps, cue_unit, events);
  }

  std::uint64_t fingerprint() const override {
    StateHash hash;
    hash.add(static_cast<std::uint64_t>(n_columns_));
    hash.add(std::string_view(reinterpret_cast<const char*>(pixels_.data()), pixels_.size()));
    return hash.value();
  }

 private:
  void move(std::span<const std::uint8_t> image, int sample, std::uint32_t epoch,
            std::vector<std::uint8_t>& moved) const {
    const RandomKey key{seed_, 0xffffffffu, epoch, Stream::kInput,
                        first_number_ + static_cast<std::uint32_t>(sample)};
    const auto draw = [&](int i) {
      const std::uint64_t n = 2 * static_cast<std::uint64_t>(config_.shift) + 1;
      return static_cast<int>(SPIKELANE_ISA::random_word(i, key) * n >> 32) - config_.shift;
    };
    const int right = draw(0), down = draw(1), n_rows = n_pixels_ / n_columns_;
    moved.assign(image.size(), 0);
    const int first = std::max(0, right), end = n_columns_ + std::min(0, right);
    for (int row = std::max(0, down); row < n_rows + std::min(0, down) && first < end; ++row)
      std::copy_n(image.begin() + (row - down) * n_columns_ + first - right, end - first,
                  moved.begin() + row * n_columns_ + first);
  }

  MnistConfig config_;
  std::vector<std::uint8_t> pixels_;  // (images, pixels)
  int n_pixels_, n_columns_;
  std::uint64_t seed_;
  std::uint32_t first_number_;
};

// runs all parts and throws what all of them found
class Attempts {
 public:
  template <class Part>
  void run(Part part) {
    try {
      part();
    } catch (const UserError& error) {
      problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
    }
  }
  void add(std::string place, std::string value, std::string allowed) {
    problems_.push_back({std::move(place), std::move(value), std::move(allowed)});
  }
  void throw_if_any() {
    if (!problems_.empty()) throw UserError(std::move(problems_));
  }

 private:
  std::vector<Problem> problems_;
};

// sizes of one split's files; empty where a file is not right
struct SplitSizes {
  std::vector<std::int64_t> images, labels;
};

SplitSizes read_split_sizes(const std::filesystem::path& images,
                            const std::filesystem::path& labels, Attempts& attempts) {
  SplitSizes sizes;
  attempts.run([&] { sizes.images = read_idx_sizes(images, 3); });
  attempts.run([&] { sizes.labels = read_idx_sizes(labels, 1); });
  if (!sizes.images.empty() && sizes.images[1] * sizes.images[2] > kMostPixels)
    attempts.add(images.string(),
                 "images of " + std::to_string(sizes.images[1]) + " x " +
                     std::to_string(sizes.images[2]) + " pixels",
                 "at most " + std::to_string(kMostPixels) + " pixels an image");
  if (!sizes.images.empty() && !sizes.labels.empty() && sizes.images[0] != sizes.labels[0])
    attempts.add(labels.string(), std::to_string(sizes.labels[0]) + " labels",
                 std::to_string(sizes.images[0]) + ", one for each image of " + images.string());
  return sizes;
}

int n_used(int wanted, std::int64_t n_there, const char* key, Attempts& attempts) {
  if (wanted < 0 || wanted > n_there)
    attempts.add(std::string("task.") + key, std::to_string(wanted),
                 "0 to " + std::to_string(n_there) + ", the samples of the files");
  return static_cast<int>(wanted == 0 ? n_there : wanted);
}

// what is left from `first` on
std::int64_t n_from(int first, std::int64_t n, Attempts& attempts) {
  if (first >= 0 && first < n) return n - first;
  attempts.add("task.first_train", std::to_string(first),
               "0 to " + std::to_string(n - 1) + ", a training sample of the files");
  return n;
}

// samples first .. first + n - 1; image 0 of the file has `number` for the random numbers
Dataset load_split(const MnistConfig& config, const MnistShape& shape,
                   const std::filesystem::path& images, const std::filesystem::path& labels,
                   int first, int n, std::uint64_t seed, std::uint32_t number) {
  Attempts attempts;
  IdxData pixels, classes;
  attempts.run([&] { pixels = read_idx(images, 3); });
  attempts.run([&] { classes = read_idx(labels, 1); });
  const auto wrong = std::find_if(classes.values.begin(), classes.values.end(),
                                  [](std::uint8_t label) { return label >= kMnistClasses; });
  if (wrong != classes.values.end())
    attempts.add(labels.string() + ": label " + std::to_string(wrong - classes.values.begin()),
                 std::to_string(*wrong), "a class from 0 to 9");
  attempts.throw_if_any();

  Dataset data;
  data.n_samples = n;
  data.n_steps = shape.n_steps;
  data.n_inputs = shape.n_inputs;
  data.labels.assign(classes.values.begin() + first, classes.values.begin() + first + n);
  const int n_pixels = shape.n_steps - config.n_cue_steps;
  const auto at = [&](int i) { return pixels.values.begin() + std::int64_t{i} * n_pixels; };
  pixels.values.erase(at(first + n), pixels.values.end());
  pixels.values.erase(pixels.values.begin(), at(first));
  pixels.values.shrink_to_fit();
  data.source = std::make_shared<const MnistSource>(config, std::move(pixels.values), n_pixels,
                                                    shape.n_columns, seed,
                                                    number + static_cast<std::uint32_t>(first));
  return data;
}

}  // namespace

MnistFiles find_mnist_files(const MnistConfig& config, const std::string& data_dir,
                            const std::string& config_path) {
  Attempts attempts;
  const auto find = [&](const std::string& name) {
    std::filesystem::path path;
    attempts.run([&] {
      const std::string file = (std::filesystem::path(config.folder) / name).string();
      path = find_data_file({file, file + ".gz"}, data_dir, config_path, "task.folder",
                            "tools/fetch_mnist.sh fetches MNIST; Fashion-MNIST is Debian's package "
                            "dataset-fashion-mnist");
    });
    return path;
  };
  MnistFiles files;
  files.train_images = find("train-images-idx3-ubyte");
  files.train_labels = find("train-labels-idx1-ubyte");
  files.test_images = find("t10k-images-idx3-ubyte");
  files.test_labels = find("t10k-labels-idx1-ubyte");
  attempts.throw_if_any();
  return files;
}

MnistShape describe_mnist(const MnistConfig& config, const MnistFiles& files) {
  Attempts attempts;
  const SplitSizes train = read_split_sizes(files.train_images, files.train_labels, attempts);
  const SplitSizes test = read_split_sizes(files.test_images, files.test_labels, attempts);
  MnistShape shape;
  if (!train.images.empty())
    shape.n_train = n_used(config.n_train, n_from(config.first_train, train.images[0], attempts),
                           "n_train", attempts);
  if (!test.images.empty())
    shape.n_test = n_used(config.n_test, test.images[0], "n_test", attempts);
  if (!train.images.empty() && !test.images.empty()) {
    if (train.images[1] != test.images[1] || train.images[2] != test.images[2])
      attempts.add(files.test_images.string(),
                   "images of " + std::to_string(test.images[1]) + " x " +
                       std::to_string(test.images[2]) + " pixels",
                   std::to_string(train.images[1]) + " x " + std::to_string(train.images[2]) +
                       ", as the training images");
    // random numbers count samples in 24 bits
    if (train.images[0] + test.images[0] > static_cast<std::int64_t>(kMaxRows))
      attempts.add(files.train_images.string(),
                   std::to_string(train.images[0] + test.images[0]) + " images with the test's",
                   "at most " + std::to_string(kMaxRows));
  }
  attempts.throw_if_any();
  shape.n_columns = static_cast<int>(train.images[2]);
  shape.n_steps = static_cast<int>(train.images[1] * train.images[2]) + config.n_cue_steps;
  shape.n_inputs = (config.coding == MnistCoding::kRate ? config.n_rate_units : kCrossingUnits) + 1;
  return shape;
}

TaskData load_mnist(const MnistConfig& config, const MnistFiles& files, std::uint64_t seed) {
  const MnistShape shape = describe_mnist(config, files);
  const auto n_all_train = static_cast<std::uint32_t>(read_idx_sizes(files.train_labels, 1)[0]);
  TaskData data;
  data.n_classes = kMnistClasses;
  Attempts attempts;
  attempts.run([&] {
    data.train = load_split(config, shape, files.train_images, files.train_labels,
                            config.first_train, shape.n_train, seed, 0);
  });
  attempts.run([&] {
    MnistConfig unmoved = config;
    unmoved.shift = 0;
    data.test = load_split(unmoved, shape, files.test_images, files.test_labels, 0, shape.n_test,
                           seed, n_all_train);
  });
  attempts.throw_if_any();
  return data;
}

}  // namespace spikelane
