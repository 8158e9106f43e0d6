// Wrong calls of the C API: each is told apart, says what is allowed, and changes nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/api/policies.h"
#include "tests/scratch_folder.h"

using namespace spikelane;
using namespace spikelane::test;

namespace {

constexpr int kInputs = 6, kOutputs = 3;

/// A session of two rows that has done some steps, and what it would do next.
struct Running {
  ApiPolicy policy{policy_bytes(leaky_config(70))};
  spikelane_session session = policy.open(2);
  std::vector<float> x = observations_at(9, 2, kInputs);
  std::vector<float> y = std::vector<float>(2 * kOutputs);
  char error[256] = "untouched";

  Running() {
    REQUIRE(policy.status == SPIKELANE_OK);
    for (int t = 0; t < 9; ++t) step(observations_at(t, 2, kInputs));
  }
  ~Running() { spikelane_close(session, nullptr, 0); }
  spikelane_status step(const std::vector<float>& input) {
    return spikelane_step(session, input.data(), input.size(), y.data(), y.size(), error,
                          sizeof error);
  }
  std::vector<char> state() {
    spikelane_session_info info{};
    info.struct_size = sizeof info;
    CHECK(spikelane_describe_session(session, &info, nullptr, 0) == SPIKELANE_OK);
    std::vector<char> bytes(info.n_state_bytes);
    CHECK(spikelane_save_state(session, bytes.data(), bytes.size(), nullptr, 0) == SPIKELANE_OK);
    return bytes;
  }
};

}  // namespace

TEST_CASE("api: wrong steps are refused and change nothing") {
  Running run;
  const std::vector<char> before = run.state();
  const std::vector<float> y = run.y;
  auto check = [&](spikelane_status status, spikelane_status wanted, const char* text) {
    INFO(run.error);
    CHECK(status == wanted);
    CHECK(std::string(run.error).find(text) != std::string::npos);
    CHECK(run.state() == before);
    CHECK(run.y == y);
  };
  auto step = [&](const float* x, std::size_t n_x, float* to, std::size_t n_y) {
    return spikelane_step(run.session, x, n_x, to, n_y, run.error, sizeof run.error);
  };
  check(step(nullptr, 12, run.y.data(), 6), SPIKELANE_ERROR_ARGUMENT, "observations: found NULL");
  check(step(run.x.data(), 12, nullptr, 6), SPIKELANE_ERROR_ARGUMENT, "actions: found NULL");
  check(step(run.x.data(), 11, run.y.data(), 6), SPIKELANE_ERROR_ARGUMENT,
        "n_observations: found 11; allowed: 12");
  check(step(run.x.data(), 12, run.y.data(), 7), SPIKELANE_ERROR_ARGUMENT,
        "n_actions: found 7; allowed: 6");
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = run.x;
    x[7] = bad;
    check(step(x.data(), 12, run.y.data(), 6), SPIKELANE_ERROR_ARGUMENT, "observations[7]: found ");
  }
  // what is not the session's business: no search, no learning
  const double loss = 0.0;
  check(spikelane_tell(run.session, &loss, 1, run.error, sizeof run.error),
        SPIKELANE_ERROR_ARGUMENT, "does not search");
  check(spikelane_learn(run.session, run.y.data(), 6, nullptr, 0, run.error, sizeof run.error),
        SPIKELANE_ERROR_ARGUMENT, "does not learn");
  std::vector<float> values(140, -1.0f);
  auto read = [&](int population, int field, float* to, std::size_t n) {
    return spikelane_read(run.session, population, field, to, n, run.error, sizeof run.error);
  };
  check(read(2, SPIKELANE_SPIKES, values.data(), 140), SPIKELANE_ERROR_ARGUMENT, "population");
  check(read(0, SPIKELANE_SPIKES, values.data(), 139), SPIKELANE_ERROR_ARGUMENT, "allowed: 140");
  check(read(1, SPIKELANE_SPIKES, values.data(), 6), SPIKELANE_ERROR_ARGUMENT, "field");
  check(read(0, 77, values.data(), 140), SPIKELANE_ERROR_ARGUMENT, "field");
  check(read(0, SPIKELANE_SPIKES, nullptr, 140), SPIKELANE_ERROR_ARGUMENT, "values: found NULL");
  CHECK(values == std::vector<float>(140, -1.0f));
  // and without a place for the text
  CHECK(spikelane_step(run.session, nullptr, 0, nullptr, 0, nullptr, 0) ==
        SPIKELANE_ERROR_ARGUMENT);
  char tiny[5] = "....";
  CHECK(spikelane_step(run.session, nullptr, 0, nullptr, 0, tiny, sizeof tiny) ==
        SPIKELANE_ERROR_ARGUMENT);
  CHECK(std::string(tiny) == "obse");
  CHECK(run.step(run.x) == SPIKELANE_OK);
  CHECK(run.error[0] == '\0');
}

TEST_CASE("api: stale, closed and invented handles are errors") {
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  const spikelane_session first = policy.open(1);
  char error[200];
  CHECK(spikelane_close(first, error, sizeof error) == SPIKELANE_OK);
  CHECK(spikelane_close(first, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
  // the place is used again, by a session with another handle
  const spikelane_session second = policy.open(1);
  CHECK((first.id & 0xffffffffu) == (second.id & 0xffffffffu));
  CHECK(first.id != second.id);
  float x[6] = {}, y[3];
  CHECK(spikelane_step(first, x, 6, y, 3, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
  CHECK(std::string(error).find("closed") != std::string::npos);
  for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{77}, ~std::uint64_t{0},
                                 second.id + (std::uint64_t{1} << 32), second.id + 100000}) {
    CHECK(spikelane_step({id}, x, 6, y, 3, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
    CHECK(spikelane_reset({id}, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
    spikelane_session opened{42};
    CHECK(spikelane_open({id}, nullptr, &opened, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
    CHECK(opened.id == 42);
    CHECK(spikelane_unload({id}, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
  }
  CHECK(spikelane_step(second, x, 6, y, 3, error, sizeof error) == SPIKELANE_OK);
  // a network that is gone leaves its sessions
  CHECK(spikelane_unload(policy.network, error, sizeof error) == SPIKELANE_OK);
  CHECK(spikelane_unload(policy.network, error, sizeof error) == SPIKELANE_ERROR_HANDLE);
  CHECK(spikelane_step(second, x, 6, y, 3, error, sizeof error) == SPIKELANE_OK);
  CHECK(spikelane_close(second, error, sizeof error) == SPIKELANE_OK);
}

TEST_CASE("api: versions, options and files that do not fit") {
  const std::string bytes = policy_bytes(leaky_config(40));
  spikelane_network network{42};
  char error[400];
  auto load = [&](const spikelane_load_options& options) {
    return spikelane_load_memory(bytes.data(), bytes.size(), &options, &network, error,
                                 sizeof error);
  };
  CHECK(spikelane_abi_version() == SPIKELANE_ABI_VERSION);
  spikelane_load_options options = spikelane_default_load_options();
  options.abi_version = SPIKELANE_ABI_VERSION + 1;
  CHECK(load(options) == SPIKELANE_ERROR_VERSION);
  CHECK(std::string(error).find("abi_version") != std::string::npos);
  options = spikelane_default_load_options();
  options.struct_size = sizeof options + 8;
  CHECK(load(options) == SPIKELANE_ERROR_VERSION);
  options.struct_size = 0;
  CHECK(load(options) == SPIKELANE_ERROR_VERSION);
  options = spikelane_default_load_options();
  options.allocate = [](void*, std::size_t, std::size_t) -> void* { return nullptr; };
  CHECK(load(options) == SPIKELANE_ERROR_ARGUMENT);
  CHECK(network.id == 42);
  // an allocator that has nothing
  options.release = [](void*, void*, std::size_t) {};
  REQUIRE(load(options) == SPIKELANE_OK);
  spikelane_session session{42};
  CHECK(spikelane_open(network, nullptr, &session, error, sizeof error) == SPIKELANE_ERROR_MEMORY);
  CHECK(session.id == 42);
  spikelane_session_options rows = spikelane_default_session_options();
  for (const int n : {0, -1, (1 << 24) + 1}) {
    rows.n_rows = n;
    CHECK(spikelane_open(network, &rows, &session, error, sizeof error) ==
          SPIKELANE_ERROR_ARGUMENT);
    CHECK(std::string(error).find("n_rows: found " + std::to_string(n)) != std::string::npos);
  }
  CHECK(spikelane_open_learning(network, nullptr, &session, error, sizeof error) ==
        SPIKELANE_ERROR_ARGUMENT);
  spikelane_network_info info{};
  CHECK(spikelane_describe(network, &info, error, sizeof error) == SPIKELANE_ERROR_VERSION);
  CHECK(spikelane_describe(network, nullptr, error, sizeof error) == SPIKELANE_ERROR_ARGUMENT);
  info.struct_size = sizeof info;
  CHECK(spikelane_describe(network, &info, error, sizeof error) == SPIKELANE_OK);
  CHECK(info.n_observations == 6);
  CHECK(info.n_actions == 3);
  CHECK(info.dt_ms == 2.0);
  CHECK(info.control_period_ms == 2.0);
  CHECK(spikelane_unload(network, nullptr, 0) == SPIKELANE_OK);

  auto load_bytes = [&](const std::string& content) {
    return spikelane_load_memory(content.data(), content.size(), nullptr, &network, error,
                                 sizeof error);
  };
  CHECK(load_bytes("") == SPIKELANE_ERROR_INPUT);
  CHECK(load_bytes(bytes.substr(0, bytes.size() - 4)) == SPIKELANE_ERROR_INPUT);
  CHECK(load_bytes(to_safetensors({}, {})) == SPIKELANE_ERROR_INPUT);
  CHECK(std::string(error).find("without a config") != std::string::npos);
  CHECK(load_bytes(to_safetensors({}, {{"spikelane.format", "2"}, {"spikelane.config", "{}"}})) ==
        SPIKELANE_ERROR_INPUT);
  CHECK(spikelane_load("/nowhere/policy", nullptr, &network, error, sizeof error) ==
        SPIKELANE_ERROR_INPUT);
  CHECK(spikelane_load(nullptr, nullptr, &network, error, sizeof error) ==
        SPIKELANE_ERROR_ARGUMENT);
  CHECK(spikelane_load_config("/nowhere.json", "/nowhere", nullptr, &network, error,
                              sizeof error) == SPIKELANE_ERROR_INPUT);
}

TEST_CASE("api: a state that overflows is told, and a reset helps") {
  Policy policy = start_policy(leaky_config(40));
  for (float& w : policy.parameters) w = 3e38f;
  ApiPolicy loaded(policy_to_safetensors(policy.config, policy.parameters));
  const spikelane_session session = loaded.open(1);
  float x[6] = {1, 1, 1, 1, 1, 1}, y[3];
  char error[200];
  spikelane_status status = SPIKELANE_OK;
  for (int t = 0; t < 40 && status == SPIKELANE_OK; ++t)
    status = spikelane_step(session, x, 6, y, 3, error, sizeof error);
  CHECK(status == SPIKELANE_ERROR_NOT_FINITE);
  CHECK(std::string(error).find("population \"hidden\", row 0") != std::string::npos);
  CHECK(spikelane_reset(session, nullptr, 0) == SPIKELANE_OK);
  const float silence[6] = {};
  (void)silence;
  spikelane_close(session, nullptr, 0);
}

TEST_CASE("api: a policy goes through files: saved, loaded, from config and weights") {
  const ScratchFolder scratch;
  ApiPolicy policy(policy_bytes(leaky_config(40)));
  const std::string path = (scratch / "copy.spikelane").string();
  char error[300];
  CHECK(spikelane_save(policy.network, path.c_str(), error, sizeof error) == SPIKELANE_OK);
  CHECK(read_file(path) == policy_bytes(leaky_config(40)));
  CHECK(spikelane_save(policy.network, "/nowhere/x", error, sizeof error) == SPIKELANE_ERROR_INPUT);
  const std::string config = write_file(scratch / "c.json", leaky_config(40)).string();
  spikelane_network network{};
  INFO(error);
  CHECK(spikelane_load_config(config.c_str(), path.c_str(), nullptr, &network, error,
                              sizeof error) == SPIKELANE_OK);
  spikelane_population_info info{};
  info.struct_size = sizeof info;
  CHECK(spikelane_describe_population(network, 0, &info, error, sizeof error) == SPIKELANE_OK);
  CHECK(std::string(info.name) == "hidden");
  CHECK(info.n_neurons == 40);
  CHECK(info.is_spiking == 1);
  CHECK(spikelane_unload(network, nullptr, 0) == SPIKELANE_OK);
  // a flipped bit of a weight
  std::string damaged = read_file(path);
  damaged[damaged.size() - 3] ^= 1;
  CHECK(spikelane_load_memory(damaged.data(), damaged.size(), nullptr, &network, error,
                              sizeof error) == SPIKELANE_ERROR_INPUT);
}
