import assert from "node:assert/strict";
import { test } from "node:test";
import { Diagnostics } from "../../main/config/diagnostics.js";
import { lexLine, type Statement } from "../../main/config/lexer.js";
import { splitCommand, splitScriptLine } from "../../main/config/script-line.js";

function lex(text: string): { shape: unknown[]; messages: string[] } {
  const diagnostics = new Diagnostics();
  const out: Statement[] = [];
  lexLine({ file: "f", line: 3, column: 1, text, substituted: false }, diagnostics, out);
  const shape = out.map((s) => (s.kind === "words" ? s.words.map((w) => `${w.text}@${w.at.column}`) : s.kind));
  return { shape, messages: diagnostics.finish().map(({ code, at }) => `${code}@${at?.column}`) };
}

for (const [name, text, shape, messages] of [
  ["blanks separate words", "a\tb  c\r", [["a@1", "b@3", "c@6"]], []],
  ["a comment ends the line", "a # b", [["a@1"]], []],
  ["! is a comment too", "a!b", [["a@1"]], []],
  ["quotes protect comments and braces", 'a "# { ! }"', [["a@1", "# { ! }@3"]], []],
  ["a quote begins and ends a word", 'ab"c d"e', [["ab@1", "c d@3", "e@8"]], []],
  ["an empty word", 'a ""', [["a@1", "@3"]], []],
  ["a one-line block", "a { b c }", [["a@1"], "open", ["b@5", "c@7"], "close"], []],
  ["text after a brace", "}a{b", ["close", ["a@2"], "open", ["b@4"]], []],
  ["an unterminated quote drops its text", 'a "b c', [["a@1"]], ["CFG_QUOTE@3"]],
  ["a backslash does not protect", "a b\\#c", [["a@1", "b\\@3"]], ["CFG_ADVICE@5"]],
  ["an undefined name is no block", `a ${"$"}{B C} d`, [["a@1", `${"$"}{B C}@3`, "d@10"]], ["CFG_SUBSTITUTION@3"]],
  ["a dollar alone is a letter", "a $ $b {", [["a@1", "$@3", "$b@5"], "open"], []],
  ["a NUL byte drops the line", "a \0 b", [], ["CFG_TEXT@1"]],
] as const) {
  test(`lexer: ${name}`, () => assert.deepEqual(lex(text), { shape, messages }));
}

for (const [text, words] of [
  ["notify \"/bin/x 'a b' c\" user grp", ["notify", "/bin/x 'a b' c", "user", "grp"]],
  ["notify '/bin/x \"a\"'", ["notify", '/bin/x "a"']],
  ['script a"b c"d', ["script", "ab cd"]],
  ['script "a \\" b"', ["script", 'a \\" b']],
  ['script ""', ["script", ""]],
] as const) {
  test(`script line ${text}`, () => assert.deepEqual(splitScriptLine(text), { words, unterminated: false }));
}

for (const [command, words] of [
  ["/bin/x 'two words' \\x41\\102", ["/bin/x", "two words", "AB"]],
  ["a \\n\\t \\cA \\q", ["a", "\n\t", "\x01", "q"]],
  ["a\\ b", ["a b"]],
  ["", []],
] as const) {
  test(`command ${JSON.stringify(command)}`, () => assert.deepEqual(splitCommand(command).words, words));
}

test("a quote that is left open in a script line is reported by its flag", () => {
  assert.deepEqual(splitScriptLine("script 'a b"), { words: ["script", "a b"], unterminated: true });
});
