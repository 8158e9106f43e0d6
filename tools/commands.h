// The commands of the program. Each adds itself to the app with its options; when it is called, it
// writes its exit code: 0 done, 1 the run failed, 130 interrupted. UserError (2) and RunError (1)
// are left to main.
#pragma once

#include <CLI/CLI.hpp>

namespace spikelane {

void add_train_command(CLI::App& app, int& exit_code);
void add_eval_command(CLI::App& app, int& exit_code);
void add_bench_command(CLI::App& app, int& exit_code);
void add_plot_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);
void add_info_command(CLI::App& app, int& exit_code);
void add_export_command(CLI::App& app, int& exit_code);

}  // namespace spikelane
