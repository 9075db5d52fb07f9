// Every request head that two readers could take differently, with the status and the word it is refused by.

#include "tests/core/http/feed.hpp"

namespace weir::http::test {
namespace {

using namespace std::string_view_literals;

struct Vector {
  const char* name;
  std::string_view bytes;
  int status;
  std::string_view word;
};

// In these, "Host: a" stands where it is not the point.
const Vector vectors[] = {
    // Framing.
    {"length, then coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, "length-and-coding"},
    {"coding, then length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
     400, "length-and-coding"},
    {"length of zero with a coding",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400, "length-and-coding"},
    {"two different lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", 400,
     "two-lengths"},
    {"the same length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n", 400,
     "two-lengths"},
    {"a list of equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400, "bad-length"},
    {"a length with plus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400, "bad-length"},
    {"a length with minus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400, "bad-length"},
    {"a length with a space inside", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n", 400, "bad-length"},
    {"a length in hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400, "bad-length"},
    {"a length with a letter behind", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5a\r\n\r\n", 400, "bad-length"},
    {"a length with a fraction", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.0\r\n\r\n", 400, "bad-length"},
    {"a length in quotes", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \"5\"\r\n\r\n", 400, "bad-length"},
    {"an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, "bad-length"},
    {"a length of blanks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t \r\n\r\n", 400, "bad-length"},
    {"a length of 2^63", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400,
     "length-overflow"},
    {"a length of 2^63 behind zeros", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0009223372036854775808\r\n\r\n",
     400, "length-overflow"},
    {"a length of 2^64 - 1", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", 400,
     "length-overflow"},
    {"a length of 2^64", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", 400,
     "length-overflow"},
    {"a length of many digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400,
     "length-overflow"},
    {"an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "unknown-coding"},
    {"identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501, "unknown-coding"},
    {"gzip before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "unknown-coding"},
    {"gzip before chunked, in two lines",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501,
     "unknown-coding"},
    {"xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, "unknown-coding"},
    {"a coding with parameters", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br;q=1\r\n\r\n", 501,
     "unknown-coding"},
    {"chunked not final", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400,
     "chunked-not-final"},
    {"chunked not final, in two lines",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400,
     "chunked-not-final"},
    {"chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400,
     "chunked-twice"},
    {"chunked twice, in two lines",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "chunked-twice"},
    {"chunked with a parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", 400,
     "bad-coding"},
    {"chunked in quotes", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 400, "bad-coding"},
    {"chunked behind an empty element", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n", 400,
     "bad-coding"},
    {"chunked before an empty element", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n", 400,
     "bad-coding"},
    {"an empty coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400, "bad-coding"},
    {"two words as coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked x\r\n\r\n", 400, "bad-coding"},
    {"a vertical tab before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n", 400,
     "control-character"},
    {"a coding on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "coding-on-http-1.0"},
    {"a length on CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n", 400, "body-with-connect"},
    {"a coding on CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "body-with-connect"},

    // Line ends and control characters.
    {"LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bare-lf"},
    {"LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bare-lf"},
    {"LF as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare-lf"},
    {"LF in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n", 400, "bare-lf"},
    {"LF in front", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare-lf"},
    {"CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, "bare-cr"},
    {"CR CR LF behind a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400, "bare-cr"},
    {"CR in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\rY: a\r\n\r\n", 400, "bare-cr"},
    {"CR between colon and value", "GET / HTTP/1.1\r\nHost: a\r\nX:\ra\r\n\r\n", 400, "bare-cr"},
    {"CR in front of a field", "GET / HTTP/1.1\r\n\rHost: a\r\n\r\n", 400, "bare-cr"},
    {"CR instead of CRLF", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, "bare-cr"},
    {"CR CR LF as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", 400, "bare-cr"},
    {"CR in the target", "GET /\ra HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare-cr"},
    {"CR in the method", "GE\rT / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare-cr"},
    {"CR behind the version", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "bare-cr"},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv, 400, "nul"},
    {"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n"sv, 400, "nul"},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, 400, "nul"},
    {"NUL in the method", "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n"sv, 400, "nul"},
    {"NUL in Host", "GET / HTTP/1.1\r\nHost: a\0.b\r\n\r\n"sv, 400, "nul"},
    {"a control character in a value",
     "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01"
     "b\r\n\r\n",
     400, "control-character"},
    {"a form feed in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\fb\r\n\r\n", 400, "control-character"},
    {"an escape in a long value", "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789abcdef\x1b[0m0123456789\r\n\r\n", 400,
     "control-character"},
    {"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: 01234567890\x7f\r\n\r\n", 400, "control-character"},

    // Field lines.
    {"a folded value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, "obs-fold"},
    {"a value folded by a tab", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb: c\r\n\r\n", 400, "obs-fold"},
    {"a line of blanks", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", 400, "obs-fold"},
    {"a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "space-before-fields"},
    {"a tab before the first field", "GET / HTTP/1.1\r\n\tX: a\r\nHost: a\r\n\r\n", 400, "space-before-fields"},
    {"a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "space-before-colon"},
    {"a tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 4\r\n\r\n", 400, "space-before-colon"},
    {"an empty name", "GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400, "empty-name"},
    {"a name with a space", "GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n", 400, "bad-name"},
    {"a name with a slash", "GET / HTTP/1.1\r\nHost: a\r\nX/Y: a\r\n\r\n", 400, "bad-name"},
    {"a name in brackets", "GET / HTTP/1.1\r\nHost: a\r\n[X]: a\r\n\r\n", 400, "bad-name"},
    {"a name with a byte above ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa4: a\r\n\r\n", 400, "bad-name"},
    {"a line without colon", "GET / HTTP/1.1\r\nHost: a\r\nXY\r\n\r\n", 400, "no-colon"},
    {"two words without colon", "GET / HTTP/1.1\r\nHost: a\r\nX Y\r\n\r\n", 400, "no-colon"},
    {"a second request line", "GET / HTTP/1.1\r\nHost: a\r\nGET / HTTP/1.1\r\n\r\n", 400, "no-colon"},
    {"a Connection that is no list of tokens", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close; x\r\n\r\n", 400,
     "bad-connection"},
    {"too many options in Connection",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n"
     "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n\r\n",
     400, "too-many-connection-options"},
    {"an unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417, "unknown-expectation"},
    {"two expectations", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n", 417, "unknown-expectation"},
    {"an empty expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n", 417, "unknown-expectation"},

    // Host.
    {"no Host on 1.1", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400, "no-host"},
    {"no Host on 1.2", "GET / HTTP/1.2\r\n\r\n", 400, "no-host"},
    {"no Host with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400, "no-host"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "two-hosts"},
    {"the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "two-hosts"},
    {"two Hosts on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "two-hosts"},
    {"an empty second Host", "GET / HTTP/1.1\r\nHost:\r\nHost: b\r\n\r\n", 400, "two-hosts"},
    {"a list of hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "bad-host"},
    {"a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "bad-host"},
    {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad-host"},
    {"a Host with a scheme", "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400, "bad-host"},
    {"a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad-host"},
    {"a Host with two colons", "GET / HTTP/1.1\r\nHost: a::\r\n\r\n", 400, "bad-host"},
    {"a Host of a colon alone", "GET / HTTP/1.1\r\nHost: :\r\n\r\n", 400, "bad-host"},
    {"a Host with a port of letters", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "bad-host"},
    {"a Host with a port of six digits", "GET / HTTP/1.1\r\nHost: a:655360\r\n\r\n", 400, "bad-host"},
    {"a Host of a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, "bad-host"},
    {"a Host with half an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "bad-host"},
    {"a Host with a byte above ASCII", "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400, "bad-host"},
    {"another Host than the target's", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400, "host-differs"},
    {"another port than the target's", "GET http://a/ HTTP/1.1\r\nHost: a:8080\r\n\r\n", 400, "host-differs"},
    {"the port of the other scheme", "GET http://a:443/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "host-differs"},
    {"an empty Host with an absolute target", "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", 400, "host-differs"},
    {"an empty Host with CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost:\r\n\r\n", 400, "host-differs"},
    {"another Host than CONNECT's", "CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", 400, "host-differs"},
    {"another Host on 1.0", "GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n", 400, "host-differs"},

    // The request line.
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"two spaces behind the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"two spaces behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"a tab behind the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-method"},
    {"a tab behind the target", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a space in front", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-method"},
    {"a space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"a method in parentheses", "(GET) / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-method"},
    {"a method with a colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-method"},
    {"a method alone", "GET\r\nHost: a\r\n\r\n", 400, "bad-method"},
    {"a target alone", "GET /\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a target with a byte above ASCII", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a path with a byte above ASCII before a query", "GET /\xc3\xa4?q HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a URI with a byte above ASCII in its path", "GET http://a/\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400,
     "bad-target"},
    {"a URI with a byte above ASCII in its host", "GET http://\xc3\xa4/?q HTTP/1.1\r\nHost: a\r\n\r\n", 400,
     "bad-target"},
    {"an authority with a query above ASCII", "CONNECT a:1?\xc3\xa4 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400, "bad-target"},
    {"a query with a byte above ASCII and a fragment", "GET /?\xc3\xa4#b HTTP/1.1\r\nHost: a\r\n\r\n", 400,
     "bad-target"},
    {"a query with a byte above ASCII and DEL", "GET /?\xc3\xa4\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a query with a byte above ASCII and a tab", "GET /?\xc3\xa4\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a query with a byte above ASCII and CR", "GET /?\xc3\xa4\rb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare-cr"},
    {"a query with a byte above ASCII and a space", "GET /?\xc3\xa4 b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"a target with a control character", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a target with DEL", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a target with a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a query with a fragment", "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a target without slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a target of a query", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"an asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"an asterisk with a path", "OPTIONS */a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"an authority with GET", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, "bad-target"},
    {"a path with CONNECT", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a URI with CONNECT", "CONNECT http://a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"CONNECT without port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"CONNECT with an empty port", "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a scheme without slashes", "GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a scheme alone", "GET http HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a scheme and a colon alone", "GET https: HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a scheme and slashes alone", "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a scheme with one slash", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a URI without host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a URI with a user", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"a URI with a backslash in its host", "GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-target"},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "unsupported-version"},
    {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "unsupported-version"},
    {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "unsupported-version"},
    {"HTTP/2", "GET / HTTP/2\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"HTTP/11", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"lower-case http", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"another protocol", "GET / ICAP/1.0\r\nHost: a\r\n\r\n", 400, "bad-version"},
    {"two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-request-line"},
    {"a TLS hello", "\x16\x03\x01\x02\x01\n", 400, "tls-hello"},
    {"a TLS hello behind an empty line", "\r\n\x16\x03\x01\x02\x01\n", 400, "tls-hello"},
};

TEST_CASE("every malformed request is refused by the same word however its bytes are cut") {
  const Limits limits;
  RequestParser parser;
  for (const Vector& v : vectors) {
    CAPTURE(v.name);
    CHECK(feed_request(parser, v.bytes, limits) == "refused " + std::to_string(v.status) + " " + std::string(v.word));
  }
}

TEST_CASE("every control character but HTAB is refused in a field value, at every place of it") {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
    for (std::size_t at = 0; at < 19; ++at) {
      std::string value(19, 'v');
      value[at] = static_cast<char>(c);
      const Request request("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n");
      CAPTURE(c, at);
      CHECK((request.result == Parse::complete) == allowed);
    }
  }
}

TEST_CASE("only token characters may stand in a name or a method") {
  const std::string_view marks = "!#$%&'*+-.^_`|~";
  for (int c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c != 0 && marks.find(ch) != marks.npos);
    CAPTURE(c);
    const Request name("GET / HTTP/1.1\r\nHost: a\r\nX" + std::string(1, ch) + "Y: a\r\n\r\n");
    if (ch != ':') CHECK((name.result == Parse::complete) == allowed);
    const Request method("G" + std::string(1, ch) + "T / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK((method.result == Parse::complete) == allowed);
  }
}

TEST_CASE("every visible character but # may stand anywhere in a target, and no other") {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c > 0x20 && c < 0x7f && c != '#';
    for (std::size_t at = 0; at < 40; ++at) {
      std::string target(40, 'a');
      target[at] = static_cast<char>(c);
      CAPTURE(c, at);
      const Request request("GET /" + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
      CHECK((request.result == Parse::complete) == allowed);
      if (allowed) CHECK(request.head().target == "/" + target);
    }
  }
}

TEST_CASE("a malformed line is refused when it ends, not when the head does") {
  const Limits limits;
  RequestParser parser;
  parser.reset(limits);
  CHECK(parser.parse("GET / HTTP/1.1\r\nHost : a\r") == Parse::need_more);
  CHECK(parser.parse("GET / HTTP/1.1\r\nHost : a\r\n") == Parse::refused);
  CHECK(parser.parse("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == Parse::refused);
  parser.reset(limits);
  CHECK(parser.parse("GET / HTTP/1.1\n") == Parse::refused);
}

}  // namespace
}  // namespace weir::http::test
