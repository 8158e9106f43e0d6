// What a network handle stands for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/api/coding.h"
#include "engine/api/entry.h"
#include "engine/api/handles.h"
#include "engine/report/policy_file.h"
#include "engine/state/aligned_memory.h"

namespace spikelane {

struct ApiNetwork {
  Policy policy;
  std::vector<RuleTensor> rule_tensors;  // what the training's rule learned beside the weights
  std::shared_ptr<const ApiCoding> coding;
  // what a saved state belongs to: structure and weights, and where it learns the rule too
  std::uint64_t digest = 0, learner_digest = 0;
  MemoryHooks memory;
  spikelane_log_function log = nullptr;
  void* log_user = nullptr;

  void say(const std::string& line) const {
    if (log) log(log_user, line.c_str());
  }
};

SharedHandles<ApiNetwork>& api_networks();

/// Makes a network of what `read` gives and hands out its handle: what all ways of loading share.
/// `source` stands for it in the log.
spikelane_status load_network(const char* source, const spikelane_load_options* given,
                              spikelane_network* network, const ErrorText& text,
                              const std::function<Policy()>& read,
                              std::vector<RuleTensor> rule_tensors = {});

/// Sets both digests from the policy.
void set_digests(ApiNetwork& network);

}  // namespace spikelane
