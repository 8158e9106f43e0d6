// Task `mnist`: sequential MNIST. An image is shown pixel by pixel, row by row, as spikes; then a
// cue asks for its class. Any data set in the same four files does (Fashion-MNIST).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/config/run_config.h"
#include "engine/run/task.h"

namespace spikelane {

inline constexpr int kMnistClasses = 10;

struct MnistFiles {
  std::filesystem::path train_images, train_labels, test_images, test_labels;
};

struct MnistShape {
  int n_train = 0, n_test = 0;  // samples that are used
  int n_steps = 0;              // pixels and cue
  int n_columns = 0;            // of an image
  int n_inputs = 0;             // 79 or n_rate_units, and the cue, which is the last unit
};

/// The four files under their usual names (train-images-idx3-ubyte, ..., t10k-labels-idx1-ubyte),
/// plain or with .gz, in `config.folder` of the data folders (tasks/data_path.h). Throws UserError
/// with all that are missing, where they were looked for and how to get them.
MnistFiles find_mnist_files(const MnistConfig& config, const std::string& data_dir,
                            const std::string& config_path);

/// Sizes from the files' headers alone. Throws UserError with what is wrong in any of the four:
/// see tasks/mnist/idx_file.h; images of more than 65536 pixels, counts that differ between images
/// and labels, image sizes that differ between training and test, first_train, n_train or
/// n_test beyond what there is.
MnistShape describe_mnist(const MnistConfig& config, const MnistFiles& files);

/// Reads the files; classes are 0 to 9. Pixels stay bytes, and events are made when asked for:
/// coding crossing is tasks/sources/crossing.h, coding rate tasks/sources/rate.h with `seed` and
/// sample numbers that go on from the last training sample of the file to the test samples. With
/// `shift` = s > 0 a training image moves right by dx and down by dy, each uniform in -s .. s, what
/// leaves is lost and what comes in is 0: dx = floor(w0 * (2s + 1) / 2^32) - s, and dy with w1,
/// from words 0 and 1 of stream input at step 2^32 - 1, which codings do not use. Throws UserError
/// as describe_mnist, and for files cut short or damaged and for other labels.
TaskData load_mnist(const MnistConfig& config, const MnistFiles& files, std::uint64_t seed);

}  // namespace spikelane
