#include "tests/fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "engine/config/parse_config.h"
#include "engine/config/user_error.h"
#include "engine/report/checkpoint.h"
#include "engine/report/results_json.h"
#include "engine/report/safetensors.h"
#include "engine/state/hash.h"
#include "engine/state/saved_state.h"
#include "tasks/array/array_task.h"
#include "tasks/mnist/idx_file.h"

namespace spikelane::fuzz {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

namespace {

template <class Function>
void refusals_are_fine(Function function) {
  try {
    function();
  } catch (const UserError& error) {
    require(!error.problems().empty(), "an error without a problem");
  } catch (const RunError&) {
  }
}

// bytes as a file of the system, without a disk
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (descriptor_ < 0 ||
        ::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      throw std::runtime_error("no file in memory");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// the first byte of an input, and the input without it
unsigned take_byte(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

}  // namespace

// what is read is written and read again to the same text
void config(std::string_view bytes) {
  refusals_are_fine([&] {
    const std::string text = config_to_json(parse_config(bytes, "fuzz.json"));
    require(config_to_json(parse_config(text, "again.json")) == text, "another config when reread");
  });
}

void safetensors(std::string_view bytes) {
  refusals_are_fine([&] {
    Metadata metadata, metadata_again;
    const std::vector<Tensor> tensors = parse_safetensors(bytes, "fuzz", &metadata);
    const auto again =
        parse_safetensors(to_safetensors(tensors, metadata), "again", &metadata_again);
    require(metadata == metadata_again && tensors.size() == again.size(),
            "another file when reread");
    for (std::size_t i = 0; i < again.size(); ++i)
      require(tensors[i].name == again[i].name && tensors[i].bytes == again[i].bytes &&
                  tensors[i].shape == again[i].shape,
              "another array when reread");
  });
}

void idx(std::string_view bytes) {
  const int n_sizes = 1 + static_cast<int>(take_byte(bytes) % 3);
  const MemoryFile file(bytes);
  refusals_are_fine([&] {
    const IdxData data = read_idx(file.path(), n_sizes);
    std::size_t n = 1;
    for (const std::int64_t size : data.sizes) n *= static_cast<std::size_t>(size);
    require(n == data.values.size(), "not as many values as the sizes say");
  });
}

void array(std::string_view bytes) {
  ArrayConfig settings;
  settings.n_test = static_cast<int>(take_byte(bytes) % 4);
  const MemoryFile file(bytes);
  refusals_are_fine([&] {
    const TaskData data = load_array(settings, file.path());
    const Dataset& train = data.train;
    require(train.n_samples > 0, "no samples");
    for (const InputEvent& event : train.events)
      require(event.step >= 0 && event.step < train.n_steps && event.unit >= 0 &&
                  event.unit < train.n_inputs,
              "an event outside of the trial");
    for (const std::int32_t label : train.labels)
      require(label >= 0 && label < data.n_classes, "a label that is no class");
  });
}

namespace {

// a fuzzer never finds a checksum: it is put right, so that what is behind it is reached
std::string with_right_checksum(std::string content) {
  const std::string key = "\"checksum\":\"", zeros(16, '0');
  const std::size_t at = content.find(key);
  if (at == std::string::npos || at + key.size() + zeros.size() > content.size()) return content;
  content.replace(at + key.size(), zeros.size(), zeros);
  StateHash hash;
  hash.add(std::string_view(content));
  return content.replace(at + key.size(), zeros.size(), hash.text());
}

// what the checkpoints of the corpus hold: the tiny config's training by evolution strategies
struct TinyState {
  std::int64_t update = 0;
  std::uint64_t loss_hash = 0;
  std::vector<ParameterTensor> tensors{
      {"input.hidden.weight", 0, 36}, {"hidden.bias", 36, 45}, {"hidden.output.weight", 45, 72}};
  std::vector<float> parameters = std::vector<float>(72);
  OptimiserConfig config;
  Optimiser optimiser{config, tensors};

  void visit_state(StateVisitor& visitor) {
    visitor.count("update", update, 1'000'000'000);
    visitor.bits("loss_hash", loss_hash);
    visitor.array("parameters", parameters);
    visit_optimiser(visitor, "", optimiser);
  }
};

}  // namespace

void checkpoint(std::string_view bytes) {
  refusals_are_fine([&] { parse_checkpoint(bytes, "fuzz"); });
  refusals_are_fine([&] {
    const Checkpoint read = parse_checkpoint(with_right_checksum(std::string(bytes)), "fuzz");
    require(reports_to_json(reports_from_json(reports_to_json(read.reports), "again")) ==
                reports_to_json(read.reports),
            "other reports when reread");
    // whatever the numbers are, they are restored or refused, and saved again as they were
    std::vector<Tensor> arrays;
    for (const Tensor& tensor : read.state)
      if (tensor.name.rfind("run.", 0) != 0) arrays.push_back(tensor);
    TinyState state;
    StateRestorer restorer(arrays, "fuzz");
    state.visit_state(restorer);
    restorer.finish();
    StateSaver saver;
    state.visit_state(saver);
    for (const Tensor& saved : saver.take())
      require(find_tensor(arrays, saved.name)->bytes == saved.bytes, "another state when saved");
    const std::vector<float> gradient(72, 1.0f);
    const ParameterRange all[] = {{0, 0, 36}, {1, 36, 45}, {2, 45, 72}};
    state.optimiser.update(state.parameters, gradient, learning_rate_at(state.config, state.update),
                           all);
  });
}

}  // namespace spikelane::fuzz
