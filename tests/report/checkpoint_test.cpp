// Checkpoint files: what is written is read, what is damaged is refused, the one before is kept.
#include "engine/report/checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/report/results_json.h"
#include "tests/scratch_folder.h"
#include "tests/tools/tiny_config.h"

namespace spikelane::test {
namespace {

Checkpoint example(std::int64_t update = 4) {
  Checkpoint checkpoint;
  checkpoint.update = update;
  checkpoint.config = parse_config(kTinyConfig, "config");
  Report report;
  report.update = 2;
  report.wall_s = 0.1;
  report.train_loss = 1.0 / 3.0;
  report.gradient_norm = std::numeric_limits<double>::infinity();
  report.firing_rate = {{"hidden", 0.125}};
  checkpoint.reports = {report, report};
  checkpoint.state = {make_tensor("parameters", {3}, std::vector<float>{1.0f, -0.0f, 3e-42f}),
                      make_tensor("update", {1}, std::vector<std::int64_t>{update})};
  return checkpoint;
}

std::string message_of(std::string_view content) {
  try {
    parse_checkpoint(content, "file");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

std::string with_text(std::string content, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  const std::size_t at = content.find(from);
  REQUIRE(at != std::string::npos);
  return content.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("checkpoint: what is written is read") {
  const std::string content = checkpoint_to_safetensors(example());
  const Checkpoint read = parse_checkpoint(content, "file");
  CHECK(read.update == 4);
  CHECK(config_to_json(read.config) == config_to_json(example().config));
  CHECK(reports_to_json(read.reports) == reports_to_json(example().reports));
  REQUIRE(read.reports.size() == 2);
  CHECK(*read.reports[1].train_loss == 1.0 / 3.0);
  CHECK(!read.reports[1].test_loss.has_value());
  CHECK(std::isnan(*read.reports[1].gradient_norm));  // JSON has no infinity
  REQUIRE(read.state.size() == 2);
  CHECK((read.state[0].bytes == example().state[0].bytes));
  CHECK((checkpoint_to_safetensors(example()) == content));
}

TEST_CASE("checkpoint: every flipped bit and every cut is noticed") {
  const std::string content = checkpoint_to_safetensors(example());
  std::size_t n_noticed = 0;
  for (std::size_t bit = 0; bit < 8 * content.size(); ++bit) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    n_noticed += message_of(flipped).empty() ? 0 : 1;
  }
  const std::size_t n_bits = 8 * content.size();
  MESSAGE(n_bits, " flips, ", n_noticed, " refused");
  CHECK(n_noticed == n_bits);
  for (std::size_t n = 0; n < content.size(); n += n < 400 ? 1 : 97)
    CHECK(!message_of(std::string_view(content).substr(0, n)).empty());
  CHECK(!message_of(content + '\0').empty());
  // in the data, where the file's form stays right
  std::string changed = content;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  CHECK(message_of(changed).find("the file is damaged") != std::string::npos);
}

TEST_CASE("checkpoint: other files and newer formats are refused") {
  CHECK(message_of("").find("without a checksum") != std::string::npos);
  CHECK(message_of(to_safetensors(example().state, {})).find("without a checksum") !=
        std::string::npos);
  // with a right checksum, as a later version would write it
  std::string content = with_text(checkpoint_to_safetensors(example()), "\"format_version\":\"1\"",
                                  "\"format_version\":\"9\"");
  const std::string message = message_of(content);
  const std::string computed = message.substr(message.find("checksum ") + 9, 16);
  const std::size_t at = content.find("\"checksum\":\"") + 12;
  content.replace(at, 16, computed);
  CHECK(message_of(content).find("format_version: found 9") != std::string::npos);
}

TEST_CASE("checkpoint: the one before is kept, and taken where the newest is damaged") {
  const ScratchFolder folder;
  const auto newest = folder / kCheckpointName, previous = folder / kPreviousCheckpointName;
  std::vector<std::string> notes;
  const auto update = [&] {
    notes.clear();
    return read_checkpoint(folder.path(), notes).update;
  };
  CHECK_THROWS_AS(update(), UserError);
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(1)), true);
  CHECK(update() == 1);
  CHECK(!std::filesystem::exists(previous));
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(2)), true);
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(3)), true);
  CHECK(update() == 3);
  CHECK(notes.empty());
  CHECK(read_checkpoint(previous, notes).update == 2);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);

  std::filesystem::resize_file(newest, 100);
  CHECK(update() == 2);
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].find(newest.string()) != std::string::npos);
  CHECK(notes[1].find(previous.string()) != std::string::npos);
  CHECK_THROWS_AS(read_checkpoint(newest, notes), UserError);

  // the damaged one is not kept in the place of the good one
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(4)), false);
  CHECK(update() == 4);
  CHECK(read_checkpoint(previous, notes).update == 2);

  std::filesystem::remove(newest);
  CHECK(update() == 2);
  std::filesystem::resize_file(previous, 0);
  CHECK_THROWS_AS(update(), UserError);
}

TEST_CASE("checkpoint: a killed write between its two renames leaves nothing wrong") {
  const ScratchFolder folder;
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(1)), true);
  // both names are the same file
  std::filesystem::create_hard_link(folder / kCheckpointName, folder / kPreviousCheckpointName);
  write_checkpoint(folder.path(), checkpoint_to_safetensors(example(2)), true);
  std::vector<std::string> notes;
  CHECK(read_checkpoint(folder / kCheckpointName, notes).update == 2);
  CHECK(read_checkpoint(folder / kPreviousCheckpointName, notes).update == 1);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

}  // namespace spikelane::test
