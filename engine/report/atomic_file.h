// Files that are either the old ones or the new ones, whatever happens in between.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spikelane {

/// Replaces `path` by `content`: written to a temporary file in the same folder, flushed to disk,
/// renamed, and the folder flushed. On failure (disk full, no permission, ...) the old file stays
/// as it was, the temporary file is removed, and RunError is thrown with the system's reason.
/// Where `previous` is given, the file that was there is kept under that name, in the same folder;
/// at no moment is there none under `path` (but on file systems without hard links).
void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           const std::filesystem::path& previous = {});

/// Adds `content` to the end of the file, which is made where there is none. It is
/// not flushed to disk: a crash of the machine may lose its last lines. Throws RunError.
void append_to_file(const std::filesystem::path& path, std::string_view content);

/// Makes the folder (and those above it) unless it is there, and tries whether a file can be made
/// in it. Throws UserError with place "--out" if not: call it before the run, not after.
void make_output_folder(const std::filesystem::path& path);

/// Removes what killed runs have left of files they were writing. Only the one that may write into
/// the folder may call it.
void remove_temporary_files(const std::filesystem::path& folder);

/// Writes everything to an open file descriptor, going on after short writes and interrupts.
/// Returns 0 or the errno of the failure.
int write_all(int descriptor, std::string_view content);

}  // namespace spikelane
