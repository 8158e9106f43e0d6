// Config files: JSON in, RunConfig out, and the other way round.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/config/run_config.h"

namespace spikelane {

/// Reads and checks a config file. `overrides` are "key.path=value" strings as of --set: a value is
/// JSON, or else taken as a string; arrays are entered by index
/// ("network.populations.0.beta=0.9"). Throws UserError with everything that is wrong; the places
/// in it are key paths in the same notation.
RunConfig parse_config_file(const std::string& path,
                            const std::vector<std::string>& overrides = {});

/// The same from a text; `name` stands for the file in messages. Sets no config_path.
RunConfig parse_config(std::string_view text, const std::string& name,
                       const std::vector<std::string>& overrides = {});

/// Checks what can only be checked when the data are known: sizes of the output population, batch,
/// windows and test samples. n_test is the number of samples that tests use. parse_config has done
/// so for tasks whose sizes stand in the config. Throws UserError.
void check_against_task(const RunConfig& config, int n_inputs, int n_steps, int n_classes,
                        int n_train, int n_test);

/// The config as JSON text, defaults filled in, indented by 2; keys that its kinds do not use are
/// left out. Parsing it gives the same config. Numbers keep every bit. config_path is not a key.
std::string config_to_json(const RunConfig& config);

/// XXH64 (16 hex digits) of the canonical JSON (sorted keys, no blanks) without `run`: configs with
/// equal digests train the same network the same way, for however long.
std::string config_digest(const RunConfig& config);

/// The same over `network` alone.
std::string network_digest(const RunConfig& config);

/// All keys as markdown tables, one for each object: docs/config.md holds them.
std::string config_keys_markdown();

}  // namespace spikelane
