// spikelane bench: what this machine can do at most, then the scenes, each with its speed, its
// share of that, and the hash of what it computed.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "engine/config/problems.h"
#include "engine/report/atomic_file.h"
#include "engine/report/build_info.h"
#include "tools/bench_scenes.h"
#include "tools/commands.h"
#include "tools/progress.h"
#include "tools/run_options.h"

namespace spikelane {

namespace {

namespace fs = std::filesystem;

struct BenchOptions {
  RunOptions machine;
  std::vector<std::string> scenes;
  std::optional<std::string> json, steps;
  bool lists = false, is_quick = false;
};

std::vector<std::string> scene_names() {
  std::vector<std::string> names;
  for (const BenchScene& scene : bench_scenes()) names.emplace_back(scene.name);
  return names;
}

void check_json_file(const std::string& file, ProblemList& problems) {
  const fs::path path(file);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code ignored;
  if (path.filename().empty() || fs::is_directory(path, ignored))
    problems.add("--json", in_quotes(file), "the name of a file");
  else if (!fs::is_directory(folder, ignored))
    problems.add("--json", in_quotes(file), "a file in a folder that is there");
  else if (access(folder.c_str(), W_OK) != 0)
    problems.add("--json", in_quotes(file), "a file in a folder that can be written to");
}

std::string text_of(const char* format, double a, double b = 0.0, double c = 0.0) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

std::string to_text(const SceneResult& scene) {
  std::string text = scene.scene + "\n";
  auto line = [&](const std::string& content) { text += "  " + content + "\n"; };
  if (scene.microseconds_p50)
    line(text_of("%.3f us mean, ", *scene.microseconds_mean) +
         text_of("%.3f us p50, %.3f us p99, %.3f us p99.9", *scene.microseconds_p50,
                 *scene.microseconds_p99, *scene.microseconds_p999) +
         (scene.microseconds_max ? text_of(", %.1f us max", *scene.microseconds_max) : ""));
  line(text_of("%.5f s min, %.5f s median of %.0f", scene.seconds_min, scene.seconds_median,
               scene.n_repeats) +
       ", " + rate_text(*scene.sample_steps_per_s) + "sample-steps/s");
  if (scene.env_steps_per_s)
    line(rate_text(*scene.env_steps_per_s) + "environment steps/s, " +
         text_of("%.0f %% of the time in physics", *scene.physics_share * 100.0));
  line(text_of("firing rate %.4f", *scene.firing_rate));
  if (scene.n_bytes && scene.kernels.empty())
    line(text_of("%.4g GB of weights read, %.1f %% of the ", *scene.n_bytes * 1e-9,
                 *scene.bound_share * 100.0) +
         scene.bound + text_of("; %.4g G operations", *scene.n_operations * 1e-9));
  else
    line(text_of("%.4g G operations, %.1f %% of the ", *scene.n_operations * 1e-9,
                 *scene.bound_share * 100.0) +
         scene.bound);
  if (scene.normals_per_s)
    line(rate_text(*scene.normals_per_s) + "normals/s, " +
         text_of("%.1f %% of drawing alone",
                 100.0 * *scene.normals_per_s / *scene.normals_per_s_alone) +
         " (" + rate_text(*scene.normals_per_s_alone) + "normals/s)");
  if (scene.member_bytes) line(text_of("%.4g kB of a member's own", *scene.member_bytes * 1e-3));
  if (scene.operations_per_byte)
    line(text_of("%.4g operations and %.4g bytes a sample-step, %.4g operations a byte",
                 *scene.operations_per_sample_step, *scene.bytes_per_sample_step,
                 *scene.operations_per_byte));
  for (const BenchKernel& kernel : scene.kernels)
    line(kernel.name + ": launches " + std::to_string(kernel.n_launches) + ", blocks " +
         std::to_string(kernel.n_blocks) + " of " + std::to_string(kernel.n_threads) +
         " threads, registers " + std::to_string(kernel.n_registers) + ", shared bytes " +
         std::to_string(kernel.n_shared_bytes) + ", resident blocks " +
         std::to_string(kernel.n_resident_blocks));
  line(text_of("%.1f MiB resident at most", *scene.resident_mib));
  line("state_hash " + scene.state_hash);
  line(scene.command);
  return text;
}

class BenchCommand {
 public:
  explicit BenchCommand(const BenchOptions& options)
      : options_(options), machine_(choose_machine(options.machine, problems_)) {
    const std::vector<std::string> names = scene_names();
    for (const std::string& scene : options.scenes)
      if (std::find(names.begin(), names.end(), scene) == names.end())
        problems_.add("SCENE", in_quotes(scene), one_of_text(names, scene));
    if (options.json) check_json_file(*options.json, problems_);
    if (options.steps)
      n_steps_ = read_count(*options.steps, "--steps", 1, 1'000'000'000, problems_).value_or(0);
    problems_.throw_if_any();
  }

  int run() {
    ThreadPool pool(machine_.n_threads);
    BenchResult result;
    result.command = command_of(options_.scenes);
    if (options_.json) result.command += " --json " + *options_.json;
    result.machine = machine_info(machine_);
    result.build = build_info();
    const MachinePeak peak = measure_peak(pool, options_.is_quick);
    result.peak_gflops = peak.gflops;
    result.bandwidth_gb_s = peak.bandwidth_gb_s;
    std::printf("%s, %s, %d thread%s, revision %s\n", result.machine.cpu.c_str(),
                result.machine.isa.c_str(), result.machine.n_threads,
                result.machine.n_threads == 1 ? "" : "s", result.build.revision.c_str());
    std::printf("FMA peak %.1f GFLOP/s (one thread %.1f), memory bandwidth %.1f GB/s\n",
                peak.gflops, peak.gflops_one_thread, peak.bandwidth_gb_s);

    const BenchMachine machine{*machine_.kernels, pool,    machine_.plan_options, peak,
                               options_.is_quick, n_steps_};
    for (const BenchScene& scene : bench_scenes()) {
      const auto& wanted = options_.scenes;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), scene.name) == wanted.end())
        continue;
      restart_peak_memory();
      for (SceneResult& one : scene.run(machine)) {
        if (!one.resident_mib) one.resident_mib = peak_memory_mib();
        one.command = command_of({scene.name});
        std::printf("\n%s", to_text(one).c_str());
        std::fflush(stdout);
        result.scenes.push_back(std::move(one));
      }
    }
    if (options_.json) write_file_atomically(*options_.json, bench_to_json(result));
    return 0;
  }

 private:
  std::string command_of(const std::vector<std::string>& scenes) const {
    std::string text = "spikelane bench";
    for (const std::string& scene : scenes) text += " " + scene;
    text += " --threads " + std::to_string(machine_.n_threads) + " --isa " + machine_.kernels->isa;
    if (options_.machine.backend != "auto") text += " --backend " + options_.machine.backend;
    if (options_.machine.layout) text += " --layout " + *options_.machine.layout;
    if (options_.steps) text += " --steps " + *options_.steps;
    if (options_.is_quick) text += " --quick";
    return text;
  }

  const BenchOptions& options_;
  ProblemList problems_;
  MachineChoice machine_;
  long n_steps_ = 0;
};

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "measure this machine, then how fast scenes run");
  command->add_option("SCENE", options->scenes, "scenes to run (default: all)");
  command->add_flag("--list", options->lists, "print the scenes and end");
  command->add_option("--json", options->json, "file for the results (tools/bench.schema.json)");
  command->add_option("--steps", options->steps, "steps of the scene latency_api");
  add_machine_options(*command, options->machine);
  command->add_flag("--quick", options->is_quick, "tiny sizes, for tests")->group("");
  command->callback([options, &exit_code] {
    if (options->lists)
      for (const BenchScene& scene : bench_scenes())
        std::printf("%-15s %s\n", scene.name, scene.summary);
    exit_code = options->lists ? 0 : BenchCommand(*options).run();
  });
}

}  // namespace spikelane
