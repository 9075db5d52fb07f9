#!/usr/bin/env python3
"""Every rule of check.py finds its bad snippet and leaves the good one alone."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check  # noqa: E402

HEADER = "#pragma once\n// What it owns.\n"


def rules_for(path, text, **more):
    findings = []
    for rule in check.RULES:
        findings += rule(path, text, *more.values()) if rule in check.WITH_TOP and more else rule(path, text)
    return {f.rule for f in findings}


def sentences(text, path="core/net/a.cpp"):
    return [f.sentence for f in check.coroutine_forms(path, text)]


class IncludeDirection(unittest.TestCase):
    BAD = [
        ("core/base/a.cpp", "core/coro/task.hpp"),
        ("core/http/a.cpp", "core/reactor/reactor.hpp"),
        ("core/http/a.cpp", "core/proxy/spec.hpp"),
        ("core/coro/a.hpp", "core/reactor/op.hpp"),
        ("core/reactor/a.cpp", "core/backends/epoll.hpp"),
        ("core/reactor/a.cpp", "core/platform/clock.hpp"),
        ("core/net/a.cpp", "core/http/head.hpp"),
        ("core/net/a.cpp", "core/backends/epoll.hpp"),
        ("core/proxy/a.cpp", "config/load.hpp"),
        ("core/proxy/a.cpp", "core/platform/sockets.hpp"),
        ("config/a.cpp", "core/proxy/server.hpp"),
        ("config/a.cpp", "daemon/app.hpp"),
        ("systemd/a.cpp", "core/reactor/reactor.hpp"),
    ]
    GOOD = [
        ("core/backends/a.cpp", "core/platform/sockets.hpp"),
        ("core/proxy/a.cpp", "core/http/head.hpp"),
        ("config/a.cpp", "core/proxy/spec.hpp"),
        ("daemon/a.cpp", "config/load.hpp"),
        ("core/platform/posix/a.cpp", "core/reactor/op.hpp"),
        ("tests/sim/a.cpp", "core/proxy/server.hpp"),
    ]

    def test_an_arrow_against_the_rule_is_found(self):
        for path, name in self.BAD:
            with self.subTest(path=path, name=name):
                self.assertEqual(1, len(list(check.include_direction(path, f'#include "{name}"\n'))))

    def test_an_arrow_with_the_rule_is_not(self):
        for path, name in self.GOOD:
            with self.subTest(path=path, name=name):
                self.assertEqual([], list(check.include_direction(path, f'#include "{name}"\n')))

    def test_libraries_stay_in_their_folders(self):
        self.assertIn("include", rules_for("core/proxy/a.cpp", "#include <yaml-cpp/yaml.h>\n"))
        self.assertIn("include", rules_for("config/a.cpp", "#include <CLI/CLI.hpp>\n"))
        self.assertNotIn("include", rules_for("config/a.cpp", "#include <yaml-cpp/yaml.h>\n"))

    def test_a_path_that_is_no_file_is_found(self):
        top = pathlib.Path(__file__).resolve().parent.parent.parent
        self.assertEqual(1, len(list(check.include_direction("daemon/a.cpp", '#include "core/base/none.hpp"\n', top))))
        self.assertEqual([], list(check.include_direction("daemon/a.cpp", '#include "core/base/error.hpp"\n', top)))

    def test_a_comment_is_not_an_include(self):
        self.assertEqual([], list(check.include_direction("core/base/a.cpp", '// #include "core/proxy/spec.hpp"\n')))


class ProxyLayers(unittest.TestCase):
    BAD = [
        ("core/proxy/message.hpp", "core/proxy/h1/head_writer.hpp"),
        ("core/proxy/exchange.cpp", "core/proxy/h2/hpack.hpp"),
        ("core/proxy/router.cpp", "core/proxy/filters/rate_limit.hpp"),
        ("core/proxy/engine.cpp", "core/proxy/l4/session.hpp"),
        ("core/proxy/h1/client.cpp", "core/proxy/h2/client.hpp"),
        ("core/proxy/h1/upstream.cpp", "core/proxy/upstream/pool.hpp"),
        ("core/proxy/upstream/pool.cpp", "core/proxy/health/state.hpp"),
        ("core/proxy/health/http.cpp", "core/proxy/h1/upstream.hpp"),
        ("core/proxy/upstream/balance/round_robin.cpp", "core/proxy/h1/upstream.hpp"),
    ]
    GOOD = [
        ("core/proxy/exchange.cpp", "core/proxy/message.hpp"),
        ("core/proxy/attempt.cpp", "core/proxy/upstream/pool.hpp"),
        ("core/proxy/h1/head_writer.cpp", "core/proxy/head_policy.hpp"),
        ("core/proxy/h1/client.cpp", "core/proxy/h1/head_writer.hpp"),
        ("core/proxy/upstream/pool.cpp", "core/proxy/upstream/balance/policy.hpp"),
        ("daemon/worker.cpp", "core/proxy/h1/client.hpp"),
        ("tests/core/proxy/h1/head_writer_test.cpp", "core/proxy/h1/head_writer.hpp"),
    ]

    def test_a_protocol_in_a_neutral_file_and_one_folder_in_another_are_found(self):
        for path, name in self.BAD:
            with self.subTest(path=path, name=name):
                self.assertEqual(["layer"], [f.rule for f in check.proxy_layers(path, f'#include "{name}"\n')])

    def test_neutral_files_and_the_own_folder_are_not(self):
        for path, name in self.GOOD:
            with self.subTest(path=path, name=name):
                self.assertEqual([], list(check.proxy_layers(path, f'#include "{name}"\n')))

    def test_a_composer_may_and_must_include_a_protocol(self):
        for path in check.PROXY_COMPOSERS:
            self.assertEqual([], list(check.proxy_layers(path, '#include "core/proxy/h1/head_writer.hpp"\n')))
        self.assertEqual(len(check.PROXY_COMPOSERS), len(list(check.composers_compose({}))))
        files = {path: '#include "core/proxy/h1/head_writer.hpp"\n' for path in check.PROXY_COMPOSERS}
        self.assertEqual([], list(check.composers_compose(files)))


class OperatingSystem(unittest.TestCase):
    def test_headers_and_macros_outside_the_platform_folders_are_found(self):
        for text in ("#include <sys/socket.h>\n", "#include <unistd.h>\n", "#include <windows.h>\n", "#ifdef __linux__\n#endif\n",
                     "#if defined(_WIN32)\n#endif\n"):
            with self.subTest(text=text):
                self.assertIn("os", rules_for("core/net/a.cpp", text))
                self.assertIn("os", rules_for("tests/sim/a.cpp", text))
                self.assertNotIn("os", rules_for("core/platform/posix/a.cpp", text))
                self.assertNotIn("os", rules_for("tests/conformance/a.cpp", text))

    def test_words_in_comments_and_strings_are_left_alone(self):
        self.assertNotIn("os", rules_for("core/net/a.cpp", '// as __linux__ does\nauto s = "_WIN32";\n'))


class BlockingWaits(unittest.TestCase):
    def test_those_that_lose_notifications_are_found(self):
        for text in ("void f() { woken.wait(false, std::memory_order_acquire); }\n", "std::latch done(1);\n",
                     "void f() { std::atomic_wait(&a, 0); }\n", "std::binary_semaphore one(0);\n"):
            with self.subTest(text=text):
                self.assertIn("wait", rules_for("core/net/a.cpp", text))

    def test_others_are_left_alone(self):
        self.assertNotIn("wait", rules_for("core/net/a.cpp", "void f() { changed.wait(lock, [&] { return done; }); }\n"))


class Coroutines(unittest.TestCase):
    def bad(self, text, word):
        found = sentences(text)
        self.assertTrue(any(word in s for s in found), f"{text!r}: {found}")

    def good(self, text):
        self.assertEqual([], sentences(text))

    def test_await_in_an_assertion(self):
        self.bad("Task<void> f() { REQUIRE(co_await g()); }", "REQUIRE")
        self.bad("Task<void> f() { CHECK((co_await g()) == 1); }", "CHECK")
        self.bad("Task<void> f() { WEIR_VERIFY(co_await g()); }", "WEIR_VERIFY")
        self.good("Task<void> f() { auto r = co_await g(); REQUIRE(r); }")

    def test_structured_binding(self):
        self.bad("Task<void> f() { auto [a, b] = co_await g(); }", "structured binding")
        self.bad("Task<void> f() { const auto& [a, b] = co_await g(); }", "structured binding")
        self.good("Task<void> f() { auto r = co_await g(); auto& [a, b] = r; }")

    def test_await_in_operands(self):
        self.bad("Task<void> f() { bool b = x && co_await g(); }", "&& or ||")
        self.bad("Task<void> f() { bool b = co_await g() || x; }", "&& or ||")
        self.bad("Task<void> f() { int b = x ? co_await g() : 0; }", "conditional")
        self.bad("Task<void> f() { if (co_await g()) h(); }", "condition")
        self.bad("Task<void> f() { while (co_await g()) h(); }", "condition")
        self.bad("Task<void> f() { for (auto& x : co_await g()) h(x); }", "condition")
        self.good("Task<void> f() { if (x) co_await g(); }")
        self.good("Task<void> f() { bool b = co_await g(x, y || z, u ? 1 : 2); }")
        self.bad("Task<void> f() { bool b = h(x || co_await g()); }", "&& or ||")
        self.good("void f() { CHECK(task.operator co_await().await_suspend(h)); }")
        self.good("Task<void> f() { auto&& r = co_await g(); }")
        self.good("Task<void> f() { if (x && y) { auto r = co_await g(); } }")

    def test_two_in_one_statement(self):
        self.bad("Task<void> f() { int a = add(co_await g(), co_await h()); }", "two co_await")
        self.bad("Task<void> f() { int a = co_await g(co_await h()); }", "two co_await")

    def test_await_in_an_initialiser_list(self):
        self.bad("Task<void> f() { Pair p{co_await g(), 1}; }", "initialiser list")
        self.bad("Task<void> f() { Pair p = {co_await g(), 1}; }", "initialiser list")
        self.good("Task<void> f() { if (x) { co_await g(); } }")
        self.good("Task<void> f() { co_await g(); }")

    def test_await_in_a_catch_block(self):
        self.bad("Task<void> f() { try { g(); } catch (const E& e) { co_await h(); } }", "catch")
        self.good("Task<void> f() { try { auto r = co_await g(); } catch (const E& e) { h(); } }")

    def test_capturing_lambda(self):
        self.bad("void f() { spawn([&]() -> Task<void> { co_await g(); }()); }", "captures [&]")
        self.bad("void f() { auto t = [this, x] { co_return; }; }", "captures [this, x]")
        self.good("void f() { auto t = [](int& x) -> Task<void> { co_await g(x); }; }")
        self.good("void f() { auto t = [&] { return g(); }; } Task<void> h() { co_return; }")
        self.good("[[nodiscard]] Task<void> f() { auto x = a[i]; co_return; }")
        self.good("void f() { run([&] { spawn([](int& x) -> Task<void> { co_await g(x); }(y)); }); }")

    def test_comments_and_strings_are_left_alone(self):
        self.good('Task<void> f() { /* REQUIRE(co_await x) */ auto s = "x ? co_await y : z"; co_return; }')


class Files(unittest.TestCase):
    def test_a_long_file_is_found(self):
        self.assertIn("size", rules_for("core/net/a.cpp", "\n" * 701))
        self.assertNotIn("size", rules_for("core/net/a.cpp", "\n" * 700))

    def test_a_header_without_its_paragraph_is_found(self):
        self.assertIn("header", rules_for("core/net/a.hpp", "// text\n#pragma once\n"))
        self.assertIn("header", rules_for("core/net/a.hpp", "#pragma once\n\nstruct A {};\n"))
        self.assertNotIn("header", rules_for("core/net/a.hpp", HEADER))

    def test_unfinished_words_are_found(self):
        for word in ("TO" + "DO", "FIX" + "ME", "HA" + "CK"):
            self.assertIn("unfinished", rules_for("docs/a.md", f"// {word}: later\n"))
        self.assertNotIn("unfinished", rules_for("docs/a.md", "todos are kept elsewhere\n"))

    def test_machine_paths_and_hosts_are_found(self):
        for text in ("see /wo" + "rk/main", "cd /ro" + "ot/x", "/home/" + "ann/weir", "/tmp/b-" + "net/x", "https://py" + "pi.org/simple",
                     "http://deb.deb" + "ian.org/debian", "registry.npm" + "js.org"):
            with self.subTest(text=text):
                self.assertIn("machine", rules_for("docs/a.md", text + "\n"))
        self.assertNotIn("machine", rules_for("docs/a.md", "the network/" "work/flow, /var/run/weir, http://127.0.0.1:8080/root/x\n"))

    def test_text_form(self):
        self.assertIn("text", rules_for("docs/a.md", "no line feed"))
        self.assertIn("text", rules_for("docs/a.md", "space \n"))
        self.assertIn("text", rules_for("core/net/a.cpp", "\tint x;\n"))
        self.assertNotIn("text", rules_for("Makefile", "a:\n\tb\n"))

    def test_a_dead_link_is_found(self):
        top = pathlib.Path(__file__).resolve().parent
        self.assertEqual(1, len(list(check.links("a.md", "[a](none.md)\n", top))))
        self.assertEqual([], list(check.links("a.md", "[a](check.py#x) [b](https://example.com)\n", top)))


class Tree(unittest.TestCase):
    def test_a_test_that_no_target_compiles_is_found(self):
        files = {"tests/core/net/a.cpp": "", "tests/core/net/b.cpp": ""}
        self.assertEqual(["tests/core/net/b.cpp"], [f.path for f in check.tests_are_built(files, {"tests/core/net/a.cpp"})])
        files = {"tests/fuzz/uri.cpp": "", "tests/fuzz/CMakeLists.txt": "fuzzer(chunked)\n"}
        self.assertEqual(1, len(list(check.tests_are_built(files, None))))

    def test_an_example_that_no_test_loads_is_found(self):
        files = {"config/examples/a.yaml": "", "tests/config/load.cpp": "// nothing\n"}
        self.assertEqual(1, len(list(check.examples_are_loaded(files))))
        files["tests/config/load.cpp"] = 'load("config/examples/a.yaml");\n'
        self.assertEqual([], list(check.examples_are_loaded(files)))
        files["tests/config/load.cpp"] = 'for (const auto& entry : directory_iterator(top / "examples")) load(entry);\n'
        self.assertEqual([], list(check.examples_are_loaded(files)))

    def test_a_folder_that_the_map_forgets_is_found(self):
        files = {"core/net/a.hpp": HEADER, "core/http/a.hpp": HEADER, "core/README.md": "| `net/` | streams |\n"}
        self.assertEqual(["does not mention `http/`"], [f.sentence for f in check.map_is_complete(files)])

    def test_a_skip_that_names_no_row_is_found(self):
        files = {"core/reactor/restrictions.cpp": 'Row{{"no-pipes", "sentence"}}', "tests/conformance/a.cpp": 'SUCCEED("later");\n',
                 "tests/restrictions/b.cpp": 'SKIP("on this machine");\n'}
        self.assertEqual(2, len(list(check.skips_name_rows(files))))
        files["tests/conformance/a.cpp"] = 'SUCCEED("no-pipes: there are none");\nSUCCEED(restriction(rule)->id);\n'
        files["tests/restrictions/b.cpp"] = 'SUCCEED("a gap of wine: " << gap);\n// SKIP("in a comment")\n'
        self.assertEqual([], list(check.skips_name_rows(files)))

    def test_every_rule_has_a_test_here(self):
        self.assertEqual(11, len(check.RULES), "a new rule needs a bad snippet in this file")


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
