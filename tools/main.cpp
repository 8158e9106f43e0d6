// The program: finds the command, and turns what went wrong into a message and an exit code.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "tools/commands.h"
#include "tools/failure.h"
#include "tools/mpi_ranks.h"
#include "tools/stop_signal.h"

namespace spikelane {
namespace {

void add_commands(CLI::App& app, int& exit_code) {
  add_train_command(app, exit_code);
  add_eval_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_plot_command(app, exit_code);
  add_check_command(app, exit_code);
  add_export_command(app, exit_code);
  add_info_command(app, exit_code);
  app.require_subcommand(1);
  app.set_version_flag("--version", "spikelane " SPIKELANE_VERSION);
  for (CLI::App* command : app.get_subcommands({}))
    command->set_version_flag("--version", "spikelane " SPIKELANE_VERSION);
}

// CLI11 would say of a mistyped command only that a command is missing
void check_command_name(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) == names.end())
    throw UserError("command", in_quotes(argv[1]), one_of_text(names, argv[1]));
}

// n processes that each did the whole work, and wrote the same files, would be of use to nobody
void check_launch(int argc, char** argv) {
  if (n_launched() == 1 || argc < 2 || argv[1][0] == '-' || std::strcmp(argv[1], "train") == 0)
    return;
  throw UserError("mpirun", std::to_string(n_launched()) + " processes of " + in_quotes(argv[1]),
                  "one: of all commands only \"train\" shares its work among processes");
}

int run(int argc, char** argv) {
  ignore_write_signals();
  int exit_code = 0;
  CLI::App app("Spikelane trains spiking networks without gradients.", "spikelane");
  try {
    add_commands(app, exit_code);
    check_command_name(app, argc, argv);
    check_launch(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way too
    exit_code = app.exit(error) == 0 ? 0 : kWrongInput;
  } catch (...) {
    exit_code = report_failure();
  }
  // what was printed is all there is of some commands; that nobody reads it is no failure
  if (std::fflush(stdout) != 0 && errno != EPIPE && exit_code == 0) {
    std::fprintf(stderr, "error: cannot write to standard output: %s\n", std::strerror(errno));
    exit_code = kRunFailed;
  }
  return exit_code;
}

}  // namespace
}  // namespace spikelane

int main(int argc, char** argv) { return spikelane::run(argc, argv); }
