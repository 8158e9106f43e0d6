// Checkpoints: a training between two updates, as a safetensors file. Resuming from it goes on to
// the same bits.
//
// Arrays are what the rule and the loop remember (engine/state/saved_state.h), and two texts as
// bytes: "config.json" (as run, defaults filled in) and "reports.json" (those made so far, as in
// results.json). Metadata: format, format_version, revision (of the source), config_digest,
// data_fingerprint, update, checksum (engine/report/checksum.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/run_config.h"
#include "engine/report/results.h"
#include "engine/report/safetensors.h"

namespace spikelane {

/// A reader reads this version and all before it.
inline constexpr int kCheckpointFormatVersion = 1;

inline constexpr const char* kCheckpointName = "checkpoint.safetensors";
inline constexpr const char* kPreviousCheckpointName = "checkpoint.previous.safetensors";

struct Checkpoint {
  std::int64_t update = 0;  // how many are done
  RunConfig config;         // as it was run; of an older version, with today's defaults
  std::vector<Report> reports;
  std::vector<Tensor> state;     // names ascending
  std::string place;             // the file it was read from, for messages
  std::string data_fingerprint;  // engine/run/fingerprints.h; "" where the file has none
};

std::string checkpoint_to_safetensors(const Checkpoint& checkpoint);

/// Throws UserError: not a checkpoint, damaged (the checksum is another), of a newer format, or
/// with a config that this version does not read. `place` stands for the file's name in errors.
Checkpoint parse_checkpoint(std::string_view content, const std::string& place);

/// Makes `content` the folder's checkpoint, and where `keeps_previous` the one that was there the
/// previous one. Throws RunError, and then both are what they were.
void write_checkpoint(const std::filesystem::path& folder, std::string_view content,
                      bool keeps_previous);

/// Reads a checkpoint file, or the one of a folder: its newest, or where that is damaged or missing
/// the previous one; `notes` then says so, one line each. Throws UserError, which says what is
/// wrong with each of them.
Checkpoint read_checkpoint(const std::filesystem::path& path, std::vector<std::string>& notes);

}  // namespace spikelane
