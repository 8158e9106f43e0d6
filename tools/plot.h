// Pictures of a run: the learning curve from results.json, a raster of recorded spikes, and what
// KeRNL's regression learned.
#pragma once

#include <filesystem>
#include <vector>

namespace spikelane {

/// Reads `dir`/results.json and draws loss, accuracy and whatever else the reports hold against the
/// update; if `dir`/record.safetensors is there, also the spikes of its first sample (arrays
/// `<population>.s`, uint8 (B, T, n)); if `dir`/weights.safetensors holds a sensitivity tensor, it
/// and the temporal filter. The points of the CSV file `reference`, where one is given, stand
/// behind the run's curve (tools/plot_reference.h). With an empty `out` it writes curve.svg and
/// curve.png (and raster.*, sensitivity.*) into `dir`; otherwise `out`, whose extension .svg or
/// .png says the format (and `<stem>_raster<extension>`, ... beside it). Prints the path of each
/// picture to stdout; returns 0. Throws UserError for a folder without results, files that are not
/// what they should be, a wrong extension, an output folder that cannot be written, or a missing
/// gnuplot (naming the package); RunError when gnuplot or the disk fails. Files are replaced
/// atomically.
int plot_results(const std::filesystem::path& dir, const std::filesystem::path& out,
                 const std::filesystem::path& reference = {});

/// The learning curves of several runs in one picture, `out`, each named by its seed: the tested
/// values alone where there are any. Errors as above.
int plot_runs(const std::vector<std::filesystem::path>& dirs, const std::filesystem::path& out);

}  // namespace spikelane
