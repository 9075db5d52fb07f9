#pragma once
// Diagnostic: one finding about a configuration file, with its place and its remedy, and the text a person reads.
// Plain values; any thread.

#include <string>
#include <vector>

namespace weir::config {

enum class Severity { warning, error };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;          // 1-based; 0: the file as a whole
  int column = 0;        // 1-based, in characters
  std::string key_path;  // "routes[3].timeout.idle"; empty: none
  std::string message;
  std::string hint;         // what would be right; may be empty
  std::string source_line;  // without its line end; empty: not shown
  std::string rule;         // of the restriction table, when a platform refuses: "windows-no-unix-sockets"
  std::string target;       // the platforms that it is about, joined; empty: every one
};

// Several lines, the last with its line feed:
//   weir.yaml:12:5: error: unknown key "upstraem"
//     at routes[3].upstraem
//      12 |   - { host: a.example.com, upstraem: app }
//         |                            ^
//     did you mean "upstream"?
// With a target and a rule the first line is: weir.yaml:3:14: error: windows/iocp: MESSAGE [RULE]
std::string render(const Diagnostic& diagnostic);

bool has_errors(const std::vector<Diagnostic>& diagnostics) noexcept;

}  // namespace weir::config
