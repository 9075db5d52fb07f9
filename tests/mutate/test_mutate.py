#!/usr/bin/env python3
"""The choice of mutation points, each operator, and the order in which mutants meet suites."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cpp        # noqa: E402
import mutate     # noqa: E402
import operators  # noqa: E402
import trial      # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def changes(text, operator=None):
    """Every text that a mutation of `text` leads to: the changed line, or the lines that differ."""
    found = []
    for point in operators.points("a.cpp", text):
        if operator in (None, point.operator):
            for choice in point.choices:
                found.append(text[:point.start] + choice + text[point.end:])
    return found


def in_function(statement, returns="void"):
    return f"{returns} f(int a, int b) {{ {statement} done(); }}"


def statements_of(statement, operator, returns="void"):
    """The changed statements, where one statement stands in a function."""
    head, tail = in_function("@", returns).split("@")
    return sorted(text[len(head):-len(tail)] for text in changes(in_function(statement, returns), operator)
                  if text.endswith(tail))


class Tokens(unittest.TestCase):
    def kinds(self, text):
        return [(t.kind, t.text) for t in cpp.Source(text).tokens]

    def test_comments_and_directives_are_none(self):
        self.assertEqual([("word", "x"), ("sign", ";")], self.kinds("#if A && \\\n  B\n// a && b\n/* c\n || */x;"))

    def test_text_is_one_token(self):
        self.assertEqual([("string", '"a\\"&&"'), ("string", 'R"x(a")b)x"'), ("char", "'\\''"), ("char", "'\"'")],
                         self.kinds("\"a\\\"&&\" R\"x(a\")b)x\" '\\'' '\"'"))

    def test_numbers_keep_separators_and_suffixes(self):
        self.assertEqual([("number", "1'000u"), ("number", "0x20"), ("number", "1e-3"), ("number", "250ms")],
                         self.kinds("1'000u 0x20 1e-3 250ms"))

    def test_signs_are_as_long_as_they_can_be(self):
        self.assertEqual(["<=", "<<", "->", "::", "&&", "<=>"], [t for _, t in self.kinds("<= << -> :: && <=>")])

    def test_a_line_is_counted_from_one(self):
        source = cpp.Source("a;\nb;\n")
        self.assertEqual([1, 1, 2, 2], [source.line_of(t.start) for t in source.tokens])
        self.assertEqual("b;", source.line(2))


class Bodies(unittest.TestCase):
    def bodies(self, text):
        source = cpp.Source(text)
        return [(b.returns, source.between(b.first, b.end - 1)) for b in source.bodies]

    def test_functions_of_namespaces_and_classes(self):
        self.assertEqual([("int", "a;"), ("bool", "b;")],
                         self.bodies("namespace n { int f() { a; } struct S : B<int> { bool g() const noexcept { b; } }; }"))

    def test_the_type_of_a_member_defined_outside(self):
        self.assertEqual([("Result<int>", "a;"), ("", "b;")],
                         self.bodies("Result<int> A::B::f() { a; } A::A() : x_{1}, y_(2) { b; }"))

    def test_a_type_behind_the_parameters(self):
        self.assertEqual([("std::size_t", "a;")], self.bodies("auto f(int) -> std::size_t { a; }"))

    def test_templates(self):
        self.assertEqual([("T", "a;")], self.bodies("template <class T, int n = 4>\nT f() { a; }"))

    def test_lambdas_have_their_own(self):
        self.assertEqual([("void", "g([](int x) noexcept { return x; });"), ("", "return x;")],
                         self.bodies("void f() { g([](int x) noexcept { return x; }); }"))
        self.assertEqual([("", "x = 1;"), ("", "")], self.bodies("A::A() : Timer([](Timer& t) noexcept { x = 1; }) {}"))
        self.assertEqual([("bool", "return x;")], self.bodies("const auto f = [x](int) -> bool { return x; };"))

    def test_what_is_none(self):
        for text in ("enum class E { a, b };", "constexpr int table[] = {1, 2};", "Error error{};", "struct S { int x = 0; };",
                     "int f() noexcept;", "S operator=(S&&) = delete;"):
            self.assertEqual([], self.bodies(text), text)


class Operators(unittest.TestCase):
    def test_a_condition_is_negated(self):
        self.assertEqual(["if (!(a)) b();"], statements_of("if (a) b();", "negate"))
        self.assertEqual(["if (a.b()) c();"], statements_of("if (!a.b()) c();", "negate"))
        self.assertEqual(["while (!(f(a) && b)) c();"], statements_of("while (f(a) && b) c();", "negate"))
        self.assertEqual(["for (int i = 0; !(i < a); ++i) c();"], statements_of("for (int i = 0; i < a; ++i) c();", "negate"))
        self.assertEqual(["a = !(f(b)) ? c : d;"], statements_of("a = f(b) ? c : d;", "negate"))

    def test_a_declared_condition_is_negated_behind_its_declaration(self):
        self.assertEqual(["if (const Error error = f(); !error) g();"],
                         statements_of("if (const Error error = f()) g();", "negate"))
        self.assertEqual([], statements_of("while (Op* op = f()) g();", "negate"))

    def test_only_the_condition_behind_an_initialiser(self):
        self.assertEqual(["if (const R r = f(); !(g(r))) h();"], statements_of("if (const R r = f(); g(r)) h();", "negate"))

    def test_a_comparison_is_negated_once(self):
        self.assertEqual(["if (a != b) c();"], statements_of("if (a == b) c();", "negate"))

    def test_and_is_or(self):
        self.assertEqual(["a = b || c;"], statements_of("a = b && c;", "and-or"))
        self.assertEqual(["a = b && c;"], statements_of("a = b || c;", "and-or"))

    def test_a_reference_is_not(self):
        self.assertEqual([], statements_of("for (auto&& x : b) c(x);", "and-or"))

    def test_bounds(self):
        self.assertEqual(["a = b <= c;"], statements_of("a = b < c;", "bound"))
        self.assertEqual(["a = b > c;"], statements_of("a = b >= c;", "bound"))

    def test_angle_brackets_are_not(self):
        self.assertEqual([], statements_of("std::array<int, 4> x = g<3>(List<A, B>());", "bound"))
        self.assertEqual([], statements_of("std::array<int, 4> x = g<3>(List<A, B>());", "off-by-one"))

    def test_one_more_or_less(self):
        self.assertEqual(["a = b + 0u;", "a = b + 2u;"], statements_of("a = b + 1u;", "off-by-one"))
        self.assertEqual(["a = 1;"], statements_of("a = 0;", "off-by-one"))
        self.assertEqual(["a = 0x1f;", "a = 0x21;"], statements_of("a = 0x20;", "off-by-one"))
        self.assertEqual([], statements_of("a = 1.5;", "off-by-one"))

    def test_true_is_false(self):
        self.assertEqual(["a = false;"], statements_of("a = true;", "flip"))

    def test_a_statement_is_left_out_and_its_lines_stay(self):
        self.assertEqual([";"], statements_of("a = f(b);", "leave-out"))
        self.assertEqual([";\n"], statements_of("f(a,\n  b);", "leave-out"))
        self.assertEqual(["if (a) ;"], statements_of("if (a) return;", "leave-out"))
        self.assertEqual([";"], statements_of("co_await x;", "leave-out"))
        self.assertEqual(["if (a) [[unlikely]] ;"], statements_of("if (a) [[unlikely]] return;", "leave-out"))

    def test_a_declaration_is_not(self):
        for text in ("int x = 1;", "const auto y = f();", "Op* op = f();", "std::string_view a(b);", "Scope<int>::T t{1};",
                     "auto& [a, b] = c;", "constexpr int n = 4;", "char digits[20];", "Read read(a, b);"):
            self.assertEqual([], statements_of(text, "leave-out"), text)

    def test_nor_is_what_a_function_ends_with(self):
        self.assertEqual([], changes("int f() { return g(); }", "leave-out"))
        self.assertEqual([], changes("int f() { if (a) { b(); } else { return c(); } }", "leave-out")[1:])

    def test_another_value_is_returned(self):
        self.assertEqual(["return false;"], statements_of("return true;", "return"))
        self.assertEqual(["return false;", "return true;"], statements_of("return a == b;", "return", "bool"))
        self.assertEqual(["co_return {};"], statements_of("co_return f(a);", "return", "Task<int>"))
        self.assertEqual([], statements_of("return {};", "return", "Error"))
        self.assertEqual([], statements_of("return f();", "return", "void"))
        self.assertEqual([], statements_of("return *this;", "return", "S&"))
        self.assertEqual([], statements_of('return "";', "return", "std::string_view"))
        self.assertEqual([], statements_of("g([] { return x; });", "return"))
        self.assertEqual(["g([] { return false; });", "g([] { return true; });"],
                         statements_of("g([] { return a == b; });", "return"))

    def test_no_choice_is_what_was_there(self):
        for file in ("core/http/chunked.cpp", "core/reactor/reactor.cpp"):
            text = (TOP / file).read_text()
            for point in operators.points(file, text):
                self.assertNotIn(text[point.start:point.end], point.choices)

    def test_lines_are_never_moved(self):
        text = (TOP / "core/http/h1_parser.cpp").read_text()
        for point in operators.points("core/http/h1_parser.cpp", text):
            for choice in point.choices:
                self.assertEqual(text.count("\n", point.start, point.end), choice.count("\n"))


class Excluded(unittest.TestCase):
    def test_assertions_attributes_tables_and_declarations(self):
        for text in (in_function("WEIR_ASSERT(a == 1 && b);"), in_function("static_assert(a < 1);"),
                     "constexpr int table[] = {1, 2, 3};", "enum E { a = 1, b = 2 };", "void f(int x = 1);",
                     "struct S { int x = 0; bool b = true; };", "int f(bool a = true);",
                     "template <int n = 1> struct S {};"):
            with self.subTest(text=text):
                self.assertEqual([], [c for c in changes(text) if "done()" in c])

    def test_constants_and_rows_of_tables_inside_functions(self):
        self.assertEqual([], statements_of("static constexpr int mask[2] = {0, 1};", "off-by-one"))
        self.assertEqual([], changes('const char* f(int a) { switch (a) { case 404: return "Not Found"; } }'))

    def test_bounds_of_arrays(self):
        self.assertEqual([], statements_of("char digits[20];", "off-by-one"))
        self.assertEqual(["int a[2] = {4};", "int a[2] = {6};"], statements_of("int a[2] = {5};", "off-by-one"))

    def test_what_operators_are_told(self):
        self.assertEqual([], statements_of('engine.log_event("a" + f(1));', "off-by-one"))
        self.assertEqual([], statements_of('engine.log_event("a" + f(1));', "leave-out"))


class Drawing(unittest.TestCase):
    SOURCES = {"core/http/a.cpp": "void f() { a = 1; b = 2; if (c) d(); }", "core/http/b.cpp": "int g() { return h(3); }"}

    def test_the_same_seed_draws_the_same(self):
        self.assertEqual(mutate.draw(self.SOURCES, 7), mutate.draw(self.SOURCES, 7))
        self.assertNotEqual(mutate.draw(self.SOURCES, 7), mutate.draw(self.SOURCES, 8))

    def test_every_point_is_drawn_once(self):
        drawn = mutate.draw(self.SOURCES, 7)
        points = sum(len(operators.points(file, text)) for file, text in self.SOURCES.items())
        self.assertEqual(points, len({m.key for m in drawn}))

    def test_a_mutant_knows_its_lines(self):
        text = "void f() {\n  a();\n}\n"
        m = operators.mutant(operators.points("a.cpp", text)[0], text, 1)
        self.assertEqual((2, "a();", ";"), (m.line, m.before, m.after))
        self.assertEqual("void f() {\n  ;\n}\n", m.apply(text))
        self.assertIn("-  a();\n+  ;\n", mutate.diff(m, text))

    def test_the_scope(self):
        self.assertTrue(mutate.in_scope("core/backends/readiness.cpp", []))
        self.assertTrue(mutate.in_scope("core/proxy/h1/reader.hpp", ["core/proxy"]))
        for name in ("core/backends/epoll.cpp", "core/http/README.md", "core/base/slab.hpp"):
            self.assertFalse(mutate.in_scope(name, []), name)
        self.assertFalse(mutate.in_scope("core/http/uri.cpp", ["core/coro"]))


class FakeTree:
    def __init__(self, verdicts, tried):
        self.verdicts, self.tried = verdicts, tried

    def attempt(self, mutant, took):
        self.tried.append(mutant)
        return trial.Verdict(self.verdicts(mutant))

    def stop(self):
        pass


class Running(unittest.TestCase):
    MUTANTS = mutate.draw({"core/http/a.cpp": "void f() { a(1); b(2); c(3); d(4); e(5); }"}, 1)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "state" / "results.jsonl"

    def results(self, sources="s", tests="t"):
        results = mutate.Results(self.file, sources, tests)
        self.addCleanup(results.out.close)
        return results

    def run_(self, count, results, verdicts=lambda m: "killed"):
        tried = []
        counted = mutate.run(self.MUTANTS, count, results, [FakeTree(verdicts, tried)] * 2, {}, lambda *_: None)
        return counted, tried

    def test_what_changes_nothing_is_not_counted(self):
        odd = {m.key for m in self.MUTANTS[::2]}
        counted, tried = self.run_(4, self.results(), lambda m: "same code" if m.key in odd else "killed")
        self.assertEqual(self.MUTANTS[1:8:2], counted)
        self.assertEqual(8, len(tried))

    def test_a_run_goes_on_where_it_was(self):
        self.run_(3, self.results())
        counted, tried = self.run_(5, self.results())
        self.assertEqual(self.MUTANTS[:5], counted)
        self.assertEqual({m.key for m in self.MUTANTS[3:5]}, {m.key for m in tried})

    def test_a_line_that_was_cut_off_is_tried_again(self):
        self.run_(3, self.results())
        self.file.write_text(self.file.read_text()[:-10])
        _, tried = self.run_(3, self.results())
        self.assertEqual(1, len(tried))

    def test_other_tests_try_the_survivors_again_and_other_sources_everything(self):
        first = self.MUTANTS[0].key
        self.run_(3, self.results(), lambda m: "survived" if m.key == first else "killed")
        _, tried = self.run_(3, self.results(tests="others"))
        self.assertEqual([first], [m.key for m in tried])
        _, tried = self.run_(3, self.results("others", "others"))
        self.assertEqual(3, len(tried))

    def test_a_result_is_a_line(self):
        self.run_(2, self.results())
        head, *entries = [json.loads(line) for line in self.file.read_text().splitlines()]
        self.assertEqual({"sources": "s", "tests": "t"}, head)
        self.assertEqual(["killed", "killed"], [e["outcome"] for e in entries])


class Order(unittest.TestCase):
    def names(self, file):
        took = {"sim": 60.0, "sim-200": 9.0, "conformance": 5.0, "integration": 1.0}
        return [s.name for s in trial.order(file, trial.SUITES, took)]

    def test_the_folders_own_come_first_and_integration_last(self):
        self.assertEqual(["http", "fuzz_corpus"], self.names("core/http/uri.cpp")[:2])
        self.assertEqual(["conformance-epoll", "conformance"], self.names("core/backends/readiness.cpp")[:2])
        self.assertEqual(["proxy", "sim-200"], self.names("core/proxy/h1/reader.cpp")[:2])
        for file in ("core/http/uri.cpp", "core/coro/scope.cpp"):
            self.assertEqual({"integration", "integration-poll"}, set(self.names(file)[-2:]))
            self.assertLess(self.names(file).index("sim-200"), self.names(file).index("sim"))

    def test_each_folder_in_scope_has_suites_of_its_own(self):
        for prefix in mutate.SCOPE:
            self.assertIn("/".join(prefix.split("/")[:2]), trial.FIRST)
        names = {s.name for s in trial.SUITES}
        for own in trial.FIRST.values():
            self.assertLessEqual(set(own), names)


class Confined(unittest.TestCase):
    def test_a_command_in_its_namespace_ends_with_its_own_status(self):
        words = trial.namespace()
        for status in (0, 3):
            self.assertEqual(status, subprocess.run([*words, "sh", "-c", f"exit {status}"], check=False).returncode)


class Survivors(unittest.TestCase):
    TEXT = ("# Survivors\n\nprose\n\n## core/http/a.cpp\n"
            "- negate `if (a) b();` becomes `if (!(a)) b();`:\n  nobody can\n  tell\n")

    def test_an_entry_is_read_over_several_lines(self):
        entry, = mutate.explanations(self.TEXT)
        self.assertEqual(("core/http/a.cpp", "negate", "if (a) b();", "if (!(a)) b();", "nobody can tell"),
                         (entry.file, entry.operator, entry.before, entry.after, entry.reason))

    def test_a_mutant_is_found_by_file_operator_and_lines(self):
        known = mutate.explanations(self.TEXT)
        text = "void f() {\n  if (a) b();\n}\n"
        drawn = {m.operator: m for m in mutate.draw({"core/http/a.cpp": text}, 1)}
        self.assertEqual("nobody can tell", mutate.explanation_of(drawn["negate"], known).reason)
        self.assertIsNone(mutate.explanation_of(drawn["leave-out"], known))

    def test_an_entry_without_a_reason_is_refused(self):
        with self.assertRaises(ValueError):
            mutate.explanations("## core/http/a.cpp\n- negate `if (a) b();` becomes `if (!(a)) b();`:\n")

    def test_every_entry_is_of_a_mutant_that_can_be_made_today(self):
        for entry in mutate.explanations((TOP / mutate.EXPLAINED).read_text()):
            with self.subTest(entry=entry):
                text = (TOP / entry.file).read_text()
                self.assertIn(entry.before, {" ".join(line.split()) for line in text.split("\n")})
                made = {" ".join((text[:p.start] + choice + text[p.end:]).split("\n")[text.count("\n", 0, p.start)].split())
                        for p in operators.points(entry.file, text) if p.operator == entry.operator for choice in p.choices}
                self.assertIn(entry.after, made)


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
