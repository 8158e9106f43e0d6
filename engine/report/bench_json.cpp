#include "engine/report/bench_result.h"
#include "engine/report/header_json.h"

namespace spikelane {

namespace {

using nlohmann::ordered_json;

ordered_json kernels_to_json(const std::vector<BenchKernel>& kernels) {
  ordered_json list = ordered_json::array();
  for (const BenchKernel& kernel : kernels)
    list.push_back({{"name", kernel.name},
                    {"n_launches", kernel.n_launches},
                    {"n_blocks", kernel.n_blocks},
                    {"n_threads", kernel.n_threads},
                    {"n_registers", kernel.n_registers},
                    {"n_shared_bytes", kernel.n_shared_bytes},
                    {"n_resident_blocks", kernel.n_resident_blocks}});
  return list;
}

ordered_json scene_to_json(const SceneResult& scene) {
  ordered_json object = {{"scene", scene.scene},
                         {"seconds_min", scene.seconds_min},
                         {"seconds_median", scene.seconds_median}};
  if (scene.n_repeats > 0) object["n_repeats"] = scene.n_repeats;
  const auto put_if_any = [&](const char* key, const std::optional<double>& value) {
    if (value) object[key] = *value;
  };
  put_if_any("sample_steps_per_s", scene.sample_steps_per_s);
  put_if_any("env_steps_per_s", scene.env_steps_per_s);
  put_if_any("physics_share", scene.physics_share);
  put_if_any("microseconds_mean", scene.microseconds_mean);
  put_if_any("microseconds_p50", scene.microseconds_p50);
  put_if_any("microseconds_p99", scene.microseconds_p99);
  put_if_any("microseconds_p999", scene.microseconds_p999);
  put_if_any("microseconds_max", scene.microseconds_max);
  put_if_any("firing_rate", scene.firing_rate);
  object["bound"] = scene.bound;
  put_if_any("bound_share", scene.bound_share);
  put_if_any("n_operations", scene.n_operations);
  put_if_any("n_bytes", scene.n_bytes);
  put_if_any("operations_per_sample_step", scene.operations_per_sample_step);
  put_if_any("bytes_per_sample_step", scene.bytes_per_sample_step);
  put_if_any("operations_per_byte", scene.operations_per_byte);
  if (!scene.kernels.empty()) object["kernels"] = kernels_to_json(scene.kernels);
  put_if_any("normals_per_s", scene.normals_per_s);
  put_if_any("normals_per_s_alone", scene.normals_per_s_alone);
  put_if_any("member_bytes", scene.member_bytes);
  put_if_any("resident_mib", scene.resident_mib);
  if (!scene.command.empty()) object["command"] = scene.command;
  object["state_hash"] = scene.state_hash;
  return object;
}

}  // namespace

std::string bench_to_json(const BenchResult& result) {
  ordered_json document = ordered_json::object();
  document["schema_version"] = 1;
  document["command"] = result.command;
  document["build"] = to_json_object(result.build);
  document["machine"] = to_json_object(result.machine);
  document["peak_gflops"] = result.peak_gflops;
  document["bandwidth_gb_s"] = result.bandwidth_gb_s;
  document["scenes"] = ordered_json::array();
  for (const SceneResult& scene : result.scenes) {
    document["scenes"].push_back(scene_to_json(scene));
  }
  return to_file_text(document);
}

}  // namespace spikelane
