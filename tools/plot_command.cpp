// spikelane plot: pictures of a run's results.
#include <memory>
#include <string>

#include "tools/commands.h"
#include "tools/plot.h"

namespace spikelane {

void add_plot_command(CLI::App& app, int& exit_code) {
  struct Options {
    std::string folder, out, reference;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plot", "draw the learning curve, recorded spikes and learned tensors");
  command->add_option("DIR", options->folder, "the --out folder of a run")->required();
  command->add_option("--out", options->out,
                      "FILE.svg or FILE.png (default: curve.svg and curve.png in DIR)");
  command->add_option("--reference", options->reference,
                      "CSV file of lines update,value to draw the curve over");
  command->callback([options, &exit_code] {
    exit_code = plot_results(options->folder, options->out, options->reference);
  });
}

}  // namespace spikelane
