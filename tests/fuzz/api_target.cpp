// Sequences of calls of the C API, good ones and bad ones in any order. A model of the handles says
// what each call must answer.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/api/policies.h"
#include "tests/fuzz/targets.h"

namespace spikelane::fuzz {
namespace {

constexpr int kInputs = 6, kOutputs = 3;
constexpr std::size_t kMaxOpen = 4;

struct OpenNetwork {
  spikelane_network handle;
  bool is_open = true;
};
struct OpenSession {
  spikelane_session handle;
  int n_rows = 1;
  bool is_open = true;
};

class Calls {
 public:
  explicit Calls(std::string_view bytes) : bytes_(bytes) {}
  ~Calls() {
    for (OpenSession& session : sessions_)
      if (session.is_open) spikelane_close(session.handle, nullptr, 0);
    for (OpenNetwork& network : networks_)
      if (network.is_open) spikelane_unload(network.handle, nullptr, 0);
  }

  void run() {
    while (!bytes_.empty()) call(take());
  }

 private:
  unsigned take() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }

  template <class T>
  T* pick(std::vector<T>& list) {
    return list.empty() ? nullptr : &list[take() % list.size()];
  }

  // the texts of errors are closed, and there is one exactly where something is wrong
  spikelane_status checked(spikelane_status status) {
    require(std::memchr(error_, 0, sizeof error_) != nullptr, "an error text without an end");
    require((status == SPIKELANE_OK) == (error_[0] == 0), "a status without its text");
    require(spikelane_status_text(status) != nullptr, "a status without a name");
    return status;
  }

  void expect(spikelane_status status, bool is_open) {
    require(checked(status) == (is_open ? SPIKELANE_OK : SPIKELANE_ERROR_HANDLE),
            "a handle that is not what it was");
  }

  void load(bool is_whole) {
    static const std::string policies[] = {test::policy_bytes(test::leaky_config(70)),
                                           test::policy_bytes(test::leaky_config(5))};
    std::string bytes = policies[take() % 2];
    if (!is_whole) {
      const std::size_t at = (take() * 256 + take()) % bytes.size();
      bytes[at] = static_cast<char>(take());
      if (take() % 4 == 0) bytes.resize(at);
    }
    spikelane_network network{};
    const spikelane_status status = checked(spikelane_load_memory(
        bytes.data(), bytes.size(), nullptr, &network, error_, sizeof error_));
    require(!is_whole || status == SPIKELANE_OK, "a good policy was refused");
    if (status != SPIKELANE_OK) return;
    if (is_whole && networks_.size() < kMaxOpen)
      networks_.push_back({network});
    else
      spikelane_unload(network, nullptr, 0);
  }

  void open() {
    OpenNetwork* network = pick(networks_);
    if (network == nullptr || sessions_.size() >= 2 * kMaxOpen) return;
    spikelane_session_options options = spikelane_default_session_options();
    const unsigned how = take();
    options.n_rows = static_cast<int>(how % 5);  // 0 is not allowed
    if (how > 250) options.n_threads = static_cast<int>(how % 3);
    if (how == 255) options.struct_size = take();
    const bool is_right = options.n_rows > 0 && options.n_threads > 0 && how != 255;
    spikelane_session session{};
    const spikelane_status status =
        checked(spikelane_open(network->handle, &options, &session, error_, sizeof error_));
    if (is_right)
      require(status == (network->is_open ? SPIKELANE_OK : SPIKELANE_ERROR_HANDLE), "open");
    else if (how != 255)
      require(status != SPIKELANE_OK, "options that are not allowed were taken");
    if (status == SPIKELANE_OK && !is_right)  // an older program's structure
      spikelane_close(session, nullptr, 0);
    else if (status == SPIKELANE_OK)
      sessions_.push_back({session, options.n_rows});
  }

  void step(bool is_right) {
    OpenSession* session = pick(sessions_);
    if (session == nullptr) return;
    std::vector<float> observations(static_cast<std::size_t>(session->n_rows * kInputs));
    std::vector<float> actions(static_cast<std::size_t>(session->n_rows * kOutputs), -7.0f);
    for (float& x : observations) x = static_cast<float>(take()) / 64.0f;
    std::size_t n_observations = observations.size(), n_actions = actions.size();
    const float* in = observations.data();
    float* out = actions.data();
    if (!is_right) {
      const unsigned how = take() % 5;
      if (how == 0) n_observations -= 1;
      if (how == 1) n_actions += 1;
      if (how == 2) in = nullptr;
      if (how == 3) out = nullptr;
      if (how == 4) observations[0] = __builtin_nanf("");
    }
    const spikelane_status status = checked(
        spikelane_step(session->handle, in, n_observations, out, n_actions, error_, sizeof error_));
    if (!session->is_open)
      require(status != SPIKELANE_OK, "a closed session took a step");
    else if (is_right)
      require(status == SPIKELANE_OK || status == SPIKELANE_ERROR_NOT_FINITE, "a good step failed");
    else
      require(status == SPIKELANE_ERROR_ARGUMENT, "a bad step was taken");
    if (status == SPIKELANE_ERROR_ARGUMENT)
      require(std::all_of(actions.begin(), actions.end(), [](float a) { return a == -7.0f; }),
              "a refused step has written");
  }

  void call(unsigned byte) {
    switch (byte % 10) {
      case 0:
        load(true);
        break;
      case 1:
        load(false);
        break;
      case 2:
        if (OpenNetwork* network = pick(networks_)) {
          expect(spikelane_unload(network->handle, error_, sizeof error_), network->is_open);
          network->is_open = false;
        }
        break;
      case 3:
        if (OpenNetwork* network = pick(networks_)) {
          spikelane_network_info info{};
          info.struct_size = sizeof info;
          expect(spikelane_describe(network->handle, &info, error_, sizeof error_),
                 network->is_open);
          require(!network->is_open || (info.n_observations == kInputs &&
                                        info.n_actions == kOutputs && info.n_populations == 2),
                  "another network");
        }
        break;
      case 4:
        open();
        break;
      case 5:
        if (OpenSession* session = pick(sessions_)) {
          expect(spikelane_close(session->handle, error_, sizeof error_), session->is_open);
          session->is_open = false;
        }
        break;
      case 6:
        if (OpenSession* session = pick(sessions_))
          expect(spikelane_reset(session->handle, error_, sizeof error_), session->is_open);
        break;
      case 7:
      case 8:
        step(byte % 10 == 7);
        break;
      default: {
        // a handle that nobody has given out
        const spikelane_session none{(std::uint64_t{take()} << 56) | take() | 1u << 20};
        expect(spikelane_reset(none, error_, sizeof error_), false);
      }
    }
  }

  std::string_view bytes_;
  std::vector<OpenNetwork> networks_;
  std::vector<OpenSession> sessions_;
  char error_[160] = "";
};

}  // namespace

void api(std::string_view bytes) { Calls(bytes.substr(0, 2000)).run(); }

}  // namespace spikelane::fuzz
