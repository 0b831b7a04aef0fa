#!/usr/bin/env python3
"""Fails on what GCC 12.2 miscompiles inside of a co_await expression: it destroys these temporaries twice.

 - braces that hold something: a temporary aggregate, Agg{a, b} or {a, b}
 - a lambda that captures by value, [x] or [=]
Named locals, std::move, factory functions, constructors with parentheses and lambdas with [], [&], [&x] or [this] are safe.
  coroutine_rules.py [ROOT]      check; prints each violation as file:line, exits 1 when there is one
  coroutine_rules.py --self-test show on made-up lines that each rule can fail
"""
import os
import re
import sys

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
LAMBDA = re.compile(r"(?:^|[(,={;\s]|return)\s*\[([^\[\]]*)\]\s*(?=[({]|mutable\b)")


def blanked(text):
    """The text without comments and literals, every character still at its place."""
    def blank(match):
        # A digit separator such as 1'000 is no character literal.
        word = match.group(0)
        if word[0] == "'" and match.start() > 0 and text[match.start() - 1].isalnum():
            return word
        return re.sub(r"[^\n]", " ", word)
    return TOKEN.sub(blank, text)


def expression(code, at):
    """From the start of the line to the end of the expression that holds the co_await at `at`."""
    start = code.rfind("\n", 0, at) + 1
    depth = 0
    for end in range(at, len(code)):
        c = code[end]
        if c in "([{":
            if c == "{" and depth == 0 and code[:end].rstrip().endswith(")") and code[end + 1:].lstrip(" ").startswith("\n"):
                return start, end  # the block of an if or for
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0:
                return start, end
        elif c == ";" and depth == 0:
            return start, end
    return start, len(code)


def is_lambda_body(span, brace):
    before = span[:brace].rstrip()
    before = re.sub(r"(\bmutable\b|\bnoexcept\b|->\s*[\w:<>,&*\s]+)\s*$", "", before).rstrip()
    before = re.sub(r"(\bmutable\b|\bnoexcept\b)\s*$", "", before).rstrip()
    if before.endswith(")"):
        depth = 0
        for i in range(len(before) - 1, -1, -1):
            depth += before[i] == ")"
            depth -= before[i] == "("
            if depth == 0:
                before = before[:i].rstrip()
                break
    return bool(re.search(r"(?:^|[(,=\s])\[[^\[\]]*\]$", before))


def troubles(text):
    """(line, why) of each co_await expression that holds a trap."""
    code = blanked(text)
    out = []
    for match in re.finditer(r"\bco_await\b", code):
        start, end = expression(code, match.start())
        span = code[start:end]
        # What stands before on the line and belongs to another statement does not count.
        head = span[:match.start() - start]
        cut = max(head.rfind(";"), head.rfind("{") if "}" not in head[head.rfind("{"):] else -1) + 1
        span = span[cut:]
        line = code.count("\n", 0, match.start()) + 1
        for brace in (i for i, c in enumerate(span) if c == "{"):
            if not span[brace + 1:].lstrip().startswith("}") and not is_lambda_body(span, brace):
                out.append((line, "braces with something in them inside of a co_await expression"))
                break
        for captures in LAMBDA.findall(span):
            if any(c.strip() and not c.strip().startswith("&") and c.strip() != "this" for c in captures.split(",")):
                out.append((line, f"a lambda that captures by value ([{captures.strip()}]) inside of a co_await expression"))
                break
    return out


def self_test():
    bad = [
        "co_await f(Agg{a, b});", "co_await f({a, b});", "auto x = co_await f(Options{.limit = 3});",
        "co_await f([x] { return x; });", "co_await f([x = std::move(y)]() mutable { g(x); });", "co_await f([=] { return x; });",
        "co_await f([this, x] { return x; });", "co_await f(\n    Agg{a});", "if (co_await f(Agg{a})) {\n  g();\n}",
        "g(Agg{a}, co_await f());", "co_return co_await f(std::vector<int>{1});",
    ]
    good = [
        "co_await f(a, b);", "co_await f(Agg{});", "co_await f({});", "if (co_await f()) {\n  g(Agg{a});\n}", "co_await f(); g(Agg{a});",
        "Agg x{a}; co_await f(std::move(x));", "co_await f([&] { return g(); });", "co_await f([&x](int y) { return x[y]; });",
        "co_await f([this] { stop(); });", "co_await f(x[i], y[0]);", "for (;;) { co_await f(); }", "// co_await f(Agg{a});",
        'co_await f("Agg{a}");', "if (auto r = co_await f(); !r) co_return r.error();", "co_await f(1'000, 2'000);",
        "while (co_await f(a[i])) {\n  x = {1};\n}", "co_await f([]() -> Result<int> { return 1; });",
    ]
    for line in bad:
        if not troubles(line):
            sys.exit(f"self-test: nothing found in: {line}")
    for line in good:
        if troubles(line):
            sys.exit(f"self-test: {troubles(line)} in: {line}")
    print(f"coroutine rules: self-test passed ({len(good)} expressions allowed, {len(bad)} refused)")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    root = os.path.abspath(root)
    files = awaits = 0
    found = []
    for top in ("common", "cli", "daemon", "tests"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if not name.endswith((".hpp", ".cpp")):
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as source:
                    text = source.read()
                files += 1
                awaits += len(re.findall(r"\bco_await\b", text))
                found += [f"{os.path.relpath(path, root)}:{line}: {why}" for line, why in troubles(text)]
    for line in found:
        print(line)
    print(f"coroutine rules: {awaits} co_await in {files} files checked, {len(found)} with a GCC 12 trap")
    sys.exit(1 if found or not files else 0)


if __name__ == "__main__":
    main()
