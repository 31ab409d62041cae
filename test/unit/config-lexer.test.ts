import assert from "node:assert/strict";
import { test } from "node:test";
import { splitEscaped } from "../../main/config/script-line.js";
import { statementsOf } from "./config-statements.js";

/** Words with their columns. */
function lex(text: string): { shape: unknown[]; messages: readonly string[] } {
  const { statements, findings } = statementsOf(text);
  const shape = statements.map((s) => (s.kind === "words" ? s.words.map((w) => `${w.text}@${w.at.column}`) : s.kind));
  return { shape, messages: findings };
}

for (const [name, text, shape, messages] of [
  ["blanks separate words", "a\tb  c\r", [["a@1", "b@3", "c@6"]], []],
  ["form feed and vertical tab are blanks", "a\fb\vc", [["a@1", "b@3", "c@5"]], []],
  ["a comment ends the line", "a # b", [["a@1"]], []],
  ["! is a comment too", "a!b", [["a@1"]], []],
  ["quotes protect comments and braces", 'a "# { ! }"', [["a@1", "# { ! }@3"]], []],
  ["single quotes protect nothing", "a 'b # c'", [["a@1", "'b@3"]], []],
  ["a quote begins and ends a word", 'ab"c d"e', [["ab@1", "c d@3", "e@8"]], []],
  ["an empty word", 'a ""', [["a@1", "@3"]], []],
  ["a one-line block", "a { b c }", [["a@1"], "open", ["b@5", "c@7"], "close"], []],
  ["text after a brace", "}a{b", ["close", ["a@2"], "open", ["b@4"]], []],
  ["a one-line block with quotes", 'a{b "}"}', [["a@1"], "open", ["b@3", "}@5"], "close"], []],
  ["an unterminated quote drops its text", 'a "b c', [["a@1"]], ["CFG_QUOTE@1:3"]],
  ["a quote left open in a definition", '$A="b', [], ["CFG_QUOTE@1:4"]],
  ["a quote left open in a line for others", '@other "b', [], ["CFG_QUOTE@1:8"]],
  ["a backslash does not protect", "a b\\#c", [["a@1", "b@3"]], ["CFG_ADVICE@1:5"]],
  ["a backslash at the end of a line is a letter", "a b\\\nc", [["a@1", "b\\@3"], ["c@1"]], []],
  ["an undefined name is no block", `a ${"$"}{B C} d`, [["a@1", `${"$"}{B C}@3`, "d@10"]], ["CFG_SUBSTITUTION@1:3"]],
  ["a dollar alone is a letter", "a $ $b {", [["a@1", "$@3", "$b@5"], "open"], []],
  ["a NUL byte drops the line", "a \0 b\nc", [["c@1"]], ["CFG_TEXT@1:1"]],
  ["a NUL byte in a comment", "# \0\nc", [["c@1"]], ["CFG_TEXT@1:1"]],
  ["a byte order mark", "\uFEFFa b", [["a@1", "b@3"]], ["CFG_TEXT@1:1"]],
  ["letters beyond ASCII", "ä € b", [["ä@1", "€@3", "b@5"]], []],
  ["an empty file", "", [], []],
  ["only line ends", "\n\r\n\n", [], []],
] as const) {
  test(`lexer: ${name}`, () => assert.deepEqual(lex(text), { shape, messages }));
}

test("a line of 1022 bytes is read, one of 1023 is not, and the next line is itself again", () => {
  const longest = "a".repeat(1022);
  assert.deepEqual(statementsOf(`${longest}\n${longest}b\nc`), {
    ...statementsOf(`${longest}\n${longest}b\nc`),
    shape: [longest, "c"],
    findings: ["CFG_TEXT@2:1"],
  });
  const euros = "€".repeat(340);
  assert.deepEqual(statementsOf(`${euros}ab\n${euros}abc\nc`).findings, ["CFG_TEXT@2:1"]);
  assert.deepEqual(statementsOf(`#${longest}\nc`).findings, ["CFG_TEXT@1:1"]);
  assert.deepEqual(statementsOf(`${"{".repeat(1023)}\nc`).shape, ["c"]);
});

test("words that differ in the cache of words", () => {
  const words = Array.from({ length: 5000 }, (_, i) => `w${i}`);
  assert.deepEqual(statementsOf(`${words.join("\n")}\n${words.join("\n")}`).shape, [...words, ...words]);
});

test("the raw text of a statement: quotes and all, from its first word on", () => {
  const [first, , third] = statementsOf('a "b  c" d { e  f } # g').statements;
  assert.ok(first?.kind === "words" && third?.kind === "words");
  assert.deepEqual([first.raw.trim(), third.raw.trim()], ['a "b  c" d', "e  f"]);
});

for (const [text, words] of [
  ["notify \"/bin/x 'a b' c\" user grp", ["notify", "/bin/x 'a b' c", "user", "grp"]],
  ["notify '/bin/x \"a\"'", ["notify", '/bin/x "a"']],
  ['script a"b c"d', ["script", "ab cd"]],
  ['script "a \\"b c\\""', ["script", 'a "b c"']],
  ['script "a \\\\x41"', ["script", "a \\x41"]],
  ['script ""', ["script", ""]],
] as const) {
  test(`script line ${text}`, () => assert.deepEqual(splitEscaped(text), { words, unterminated: false }));
}

for (const [command, words] of [
  ["/bin/x 'two words' \\x41\\102", ["/bin/x", "two words", "AB"]],
  ["a \\n\\t \\cA \\q", ["a", "\n\t", "\x01", "q"]],
  ["a\\ b", ["a b"]],
  ["", []],
] as const) {
  test(`command ${JSON.stringify(command)}`, () => assert.deepEqual(splitEscaped(command).words, words));
}

test("a quote that is left open in a script line is reported by its flag", () => {
  assert.deepEqual(splitEscaped("script 'a b"), { words: ["script", "a b"], unterminated: true });
});
