// Runs gnuplot on a script, without a shell and without file names in the script.
#pragma once

#include <string>
#include <string_view>

namespace spikelane {

enum class PictureFormat { kSvg, kPng };

/// The `set terminal` line of a picture of that many pixels. Text is taken literally (no markup).
std::string terminal_line(PictureFormat format, int width, int height);

/// `text` as a gnuplot string literal; control characters and bytes that are not UTF-8 are made
/// printable, so that no name from a file can end the string or the line.
std::string gnuplot_quoted(std::string_view text);

/// The picture that the script draws, as the bytes of the file. Throws UserError when there is no
/// gnuplot, RunError when it fails.
std::string run_gnuplot(const std::string& script, PictureFormat format);

}  // namespace spikelane
