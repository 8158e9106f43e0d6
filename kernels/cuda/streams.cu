// Streams, events in their order, and graphs: work that is queued once and done again and again.
#include <memory>
#include <vector>

#include "kernels/cuda/memory.cuh"

namespace spikelane::cuda {

cudaStream_t stream(CudaStream which) {
  static const auto make = [] {
    cudaStream_t made = nullptr;
    cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking);
    return made;
  };
  static cudaStream_t work = make(), upload = make();
  return which == CudaStream::kWork ? work : upload;
}

const char* make_event(void** event) {
  cudaEvent_t made = nullptr;
  const cudaError_t error = cudaEventCreateWithFlags(&made, cudaEventDisableTiming);
  *event = made;
  return text_of(error, "making an event");
}
void release_event(void* event) { cudaEventDestroy(static_cast<cudaEvent_t>(event)); }
const char* record_event(CudaStream which, void* event) {
  return text_of(cudaEventRecord(static_cast<cudaEvent_t>(event), stream(which)),
                 "recording an event");
}
const char* wait_event(void* event) {
  return text_of(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "waiting for an event");
}
const char* wait_event_on(CudaStream which, void* event) {
  return text_of(cudaStreamWaitEvent(stream(which), static_cast<cudaEvent_t>(event), 0),
                 "holding a stream back");
}

namespace {

struct Graph {
  ~Graph() {
    if (executable) cudaGraphExecDestroy(executable);
  }
  cudaGraphExec_t executable = nullptr;
  std::vector<NotedLaunch> launches;
};

}  // namespace

const char* begin_graph() {
  keep_launches();
  return text_of(
      cudaStreamBeginCapture(stream(CudaStream::kWork), cudaStreamCaptureModeThreadLocal),
      "capturing a graph");
}

const char* end_graph(void** graph) {
  *graph = nullptr;
  auto made = std::make_unique<Graph>();
  made->launches = take_kept_launches();
  cudaGraph_t captured = nullptr;
  if (const char* error =
          text_of(cudaStreamEndCapture(stream(CudaStream::kWork), &captured), "capturing a graph"))
    return error;
  const cudaError_t error = cudaGraphInstantiate(&made->executable, captured, 0);
  cudaGraphDestroy(captured);
  if (const char* text = text_of(error, "making a graph")) return text;
  *graph = made.release();
  return nullptr;
}

const char* launch_graph(void* graph) {
  const Graph& it = *static_cast<const Graph*>(graph);
  for (const NotedLaunch& launch : it.launches) note_launch(launch);
  return text_of(cudaGraphLaunch(it.executable, stream(CudaStream::kWork)), "launching a graph");
}

void release_graph(void* graph) { delete static_cast<Graph*>(graph); }

}  // namespace spikelane::cuda
