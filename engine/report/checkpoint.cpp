#include "engine/report/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/config/parse_config.h"
#include "engine/config/problems.h"
#include "engine/config/user_error.h"
#include "engine/report/atomic_file.h"
#include "engine/report/build_info.h"
#include "engine/report/checksum.h"
#include "engine/report/results_json.h"

namespace spikelane {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFormat = "spikelane-checkpoint";
constexpr const char* kConfigText = "config.json";
constexpr const char* kReportsText = "reports.json";

Tensor text_tensor(const char* name, const std::string& text) {
  return make_tensor(name, {static_cast<std::int64_t>(text.size())},
                     reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::string take_text(std::vector<Tensor>& tensors, const char* name, const std::string& place) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  if (found == tensors.end() || found->dtype != "U8")
    throw UserError(place + ": " + name, "nothing", "a text of dtype U8");
  std::string text(reinterpret_cast<const char*>(found->bytes.data()), found->bytes.size());
  tensors.erase(found);
  return text;
}

void check_format(const Metadata& metadata, const std::string& place) {
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  if (value("format") != kFormat)
    throw UserError(place, "another safetensors file", "a checkpoint that `train` has written");
  const std::string version = value("format_version");
  if (version.empty() || version.size() > 6 ||
      version.find_first_not_of("0123456789") != std::string::npos || std::stoi(version) < 1)
    throw UserError(place + ": format_version", in_quotes(version), "a number from 1 on");
  if (std::stoi(version) > kCheckpointFormatVersion)
    throw UserError(place + ": format_version",
                    version + ", written by revision " + printable(value("revision")),
                    "at most " + std::to_string(kCheckpointFormatVersion) +
                        " (read it with the program that wrote it)");
}

// places in it are key paths; here they are those of another file than the user's config
RunConfig read_config(const std::string& text, const std::string& place) {
  try {
    return parse_config(text, kConfigText);
  } catch (const UserError& wrong) {
    std::vector<Problem> problems = wrong.problems();
    for (Problem& problem : problems)
      problem.place = place + ": " + kConfigText + ": " + problem.place;
    throw UserError(problems);
  }
}

std::string read_whole_file(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const auto refuse = [&](int reason) {
    if (file >= 0) ::close(file);
    throw UserError(path.string(), std::strerror(reason), "a checkpoint file that can be read");
  };
  if (file < 0) refuse(errno);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) refuse(EINVAL);
  const auto n_bytes = fs::file_size(path, error);
  if (error) refuse(error.value());
  std::string content(n_bytes, '\0');
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t n = ::read(file, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse(errno);
    if (n == 0) content.resize(at);
    at += static_cast<std::size_t>(n);
  }
  ::close(file);
  return content;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

std::string checkpoint_to_safetensors(const Checkpoint& checkpoint) {
  std::vector<Tensor> tensors = checkpoint.state;
  tensors.push_back(text_tensor(kConfigText, config_to_json(checkpoint.config)));
  tensors.push_back(text_tensor(kReportsText, reports_to_json(checkpoint.reports)));
  return to_checked_safetensors(tensors,
                                {{"format", kFormat},
                                 {"format_version", std::to_string(kCheckpointFormatVersion)},
                                 {"revision", build_info().revision},
                                 {"config_digest", config_digest(checkpoint.config)},
                                 {"data_fingerprint", checkpoint.data_fingerprint},
                                 {"update", std::to_string(checkpoint.update)}});
}

Checkpoint parse_checkpoint(std::string_view content, const std::string& place) {
  // the checksum first: whatever else is wrong with a damaged file is of no interest
  check_checksum(content, place);
  Checkpoint checkpoint;
  checkpoint.place = place;
  Metadata metadata;
  checkpoint.state = parse_safetensors(content, place, &metadata);
  check_format(metadata, place);
  if (const auto found = metadata.find("data_fingerprint"); found != metadata.end())
    checkpoint.data_fingerprint = found->second;
  checkpoint.config = read_config(take_text(checkpoint.state, kConfigText, place), place);
  checkpoint.reports = reports_from_json(take_text(checkpoint.state, kReportsText, place),
                                         place + ": " + kReportsText);
  const Tensor* update = find_tensor(checkpoint.state, "update");
  if (update == nullptr || update->dtype != "I64" || update->bytes.size() != sizeof(std::int64_t))
    throw UserError(place + ": update", "nothing", "one number of dtype I64");
  checkpoint.update = values_of<std::int64_t>(*update)[0];
  return checkpoint;
}

void write_checkpoint(const fs::path& folder, std::string_view content, bool keeps_previous) {
  write_file_atomically(folder / kCheckpointName, content,
                        keeps_previous ? folder / kPreviousCheckpointName : fs::path());
}

Checkpoint read_checkpoint(const fs::path& path, std::vector<std::string>& notes) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return parse_checkpoint(read_whole_file(path), path.string());
  const fs::path newest = path / kCheckpointName, previous = path / kPreviousCheckpointName;
  if (!is_there(newest) && !is_there(previous))
    throw UserError(path.string(), "a folder without a checkpoint",
                    std::string("a folder with ") + kCheckpointName +
                        " in it; without one, train from the start, without --resume");
  std::vector<Problem> problems;
  for (const fs::path& file : {newest, previous}) {
    try {
      Checkpoint checkpoint = parse_checkpoint(read_whole_file(file), file.string());
      for (const Problem& problem : problems) notes.push_back(to_text(problem));
      if (!problems.empty())
        notes.push_back("so the one before is taken: " + file.string() + ", update " +
                        std::to_string(checkpoint.update));
      return checkpoint;
    } catch (const UserError& wrong) {
      problems.insert(problems.end(), wrong.problems().begin(), wrong.problems().end());
    }
  }
  throw UserError(problems);
}

}  // namespace spikelane
