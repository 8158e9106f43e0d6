// A session's state in a buffer of the caller's:
//
//   header (64 bytes)   magic, version, purpose, rows, digest of the network, t, sizes, XXH64
//   state               the State's tiles as they lie in memory
//   learner             what visit_state gives, as a safetensors file, or nothing
//
// The checksum is over header and both parts, itself taken as 0.
#include <xxhash.h>

#include <cstring>

#include "engine/api/session.h"
#include "engine/state/saved_state.h"

namespace spikelane {
namespace {

constexpr std::uint64_t kMagic = 0x31306e6f69737365;  // "ession01" as bytes lie
constexpr std::uint32_t kVersion = 1;

struct StateHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t purpose;
  std::uint64_t digest;  // of the network
  std::uint32_t n_rows;
  std::int32_t t;
  std::uint64_t n_state_bytes, n_learner_bytes;
  std::uint64_t layout;  // of the tiles
  std::uint64_t checksum;
};
static_assert(sizeof(StateHeader) == 64);

std::string learner_bytes(ApiSession& session) {
  StateSaver saver;
  session.visit_state(saver);
  const std::vector<Tensor> tensors = saver.take();
  return tensors.empty() ? std::string() : to_safetensors(tensors, {});
}

std::uint64_t checksum_of(StateHeader header, const void* parts) {
  header.checksum = 0;
  XXH64_state_t* state = XXH64_createState();
  if (state == nullptr) throw std::bad_alloc();
  XXH64_reset(state, 0);
  XXH64_update(state, &header, sizeof header);
  XXH64_update(state, parts, header.n_state_bytes + header.n_learner_bytes);
  const std::uint64_t sum = XXH64_digest(state);
  XXH64_freeState(state);
  return sum;
}

StateHeader header_of(ApiSession& session, std::size_t n_learner_bytes) {
  StateHeader header{};
  header.magic = kMagic;
  header.version = kVersion;
  header.purpose = static_cast<std::uint32_t>(session.purpose());
  const bool acts = session.purpose() == SPIKELANE_ACTS;
  header.digest = acts ? session.network().digest : session.network().learner_digest;
  header.n_rows = static_cast<std::uint32_t>(session.n_rows());
  header.t = session.t();
  header.n_state_bytes = session.state().n_bytes();
  header.n_learner_bytes = n_learner_bytes;
  header.layout = static_cast<std::uint64_t>(session.plan().layout());
  return header;
}

spikelane_status refuse(const ErrorText& text, const char* found, const char* allowed) {
  return text.fail(SPIKELANE_ERROR_INPUT, "buffer: found %s; allowed: %s", found, allowed);
}

}  // namespace
}  // namespace spikelane

using namespace spikelane;

spikelane_status spikelane_describe_session(spikelane_session session, spikelane_session_info* info,
                                            char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    spikelane_session_info filled{};
    filled.purpose = opened.purpose();
    filled.n_rows = opened.n_rows();
    filled.n_members = opened.n_members();
    filled.n_steps = opened.t();
    filled.n_updates = opened.n_updates();
    filled.n_state_bytes =
        sizeof(StateHeader) + opened.state().n_bytes() + learner_bytes(opened).size();
    return write_struct(text, "info", filled, info);
  });
}

spikelane_status spikelane_save_state(spikelane_session session, void* buffer, size_t n_bytes,
                                      char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    if (buffer == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "buffer: found NULL");
    const std::string learner = learner_bytes(opened);
    StateHeader header = header_of(opened, learner.size());
    const std::size_t n = sizeof header + header.n_state_bytes + learner.size();
    if (n_bytes < n)
      return text.fail(SPIKELANE_ERROR_ARGUMENT, "n_bytes: found %zu; allowed: %zu or more",
                       n_bytes, n);
    auto* to = static_cast<char*>(buffer);
    std::memcpy(to + sizeof header, opened.state().tiles(0), header.n_state_bytes);
    std::memcpy(to + sizeof header + header.n_state_bytes, learner.data(), learner.size());
    header.checksum = checksum_of(header, to + sizeof header);
    std::memcpy(to, &header, sizeof header);
    return SPIKELANE_OK;
  });
}

spikelane_status spikelane_restore_state(spikelane_session session, const void* buffer,
                                         size_t n_bytes, char* error, size_t error_size) {
  return with_session(session, error, error_size, [&](const ErrorText& text, ApiSession& opened) {
    if (buffer == nullptr) return text.fail(SPIKELANE_ERROR_ARGUMENT, "buffer: found NULL");
    StateHeader header{};
    if (n_bytes < sizeof header) return refuse(text, "less than a header", "a saved state");
    std::memcpy(&header, buffer, sizeof header);
    if (header.magic != kMagic) return refuse(text, "something else", "a saved state");
    if (header.version != kVersion)
      return text.fail(SPIKELANE_ERROR_VERSION, "buffer: found a state of version %u; allowed: %u",
                       static_cast<unsigned>(header.version), static_cast<unsigned>(kVersion));
    const StateHeader own = header_of(opened, 0);
    if (header.purpose != own.purpose)
      return refuse(text, "the state of a session with another purpose", "one of the same purpose");
    if (header.digest != own.digest)
      return refuse(text, "the state of another network", "one of the same network and weights");
    if (header.n_rows != own.n_rows || header.n_state_bytes != own.n_state_bytes ||
        header.layout != own.layout)
      return text.fail(SPIKELANE_ERROR_INPUT, "buffer: found %u rows; allowed: %u",
                       static_cast<unsigned>(header.n_rows), static_cast<unsigned>(own.n_rows));
    const std::size_t n_learner = n_bytes - sizeof header;
    if (n_learner < header.n_state_bytes ||
        n_learner - header.n_state_bytes < header.n_learner_bytes)
      return refuse(text, "a state that is cut short", "all of its bytes");
    const char* parts = static_cast<const char*>(buffer) + sizeof header;
    if (checksum_of(header, parts) != header.checksum || header.t < 0 || header.t >= kClockPeriod)
      return refuse(text, "a damaged state (its checksum is another)", "the bytes that were saved");
    const std::vector<Tensor> tensors =
        header.n_learner_bytes == 0
            ? std::vector<Tensor>()
            : parse_safetensors({parts + header.n_state_bytes, header.n_learner_bytes}, "buffer");
    StateRestorer restorer(tensors, "buffer");
    opened.visit_state(restorer);
    restorer.finish();
    std::memcpy(opened.edit_state().tiles(0), parts, header.n_state_bytes);
    opened.restored(header.t);
    return SPIKELANE_OK;
  });
}
