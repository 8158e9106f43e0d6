// spikelane plot: pictures of a run's results.
#include <memory>
#include <string>
#include <vector>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "tools/commands.h"
#include "tools/plot.h"

namespace spikelane {

void add_plot_command(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> folders;
    std::string out, reference;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plot", "draw the learning curve, recorded spikes and learned tensors");
  command
      ->add_option("DIR", options->folders,
                   "the --out folder of a run; of several: their curves in one picture (--out)")
      ->required();
  command->add_option("--out", options->out,
                      "FILE.svg or FILE.png (default: curve.svg and curve.png in DIR)");
  command->add_option("--reference", options->reference,
                      "CSV file of lines update,value to draw the curve over");
  command->callback([options, &exit_code] {
    if (options->folders.size() == 1) {
      exit_code = plot_results(options->folders[0], options->out, options->reference);
      return;
    }
    if (!options->reference.empty())
      throw UserError("--reference", in_quotes(options->reference), "it with a single DIR");
    exit_code = plot_runs({options->folders.begin(), options->folders.end()}, options->out);
  });
}

}  // namespace spikelane
