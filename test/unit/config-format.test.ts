import assert from "node:assert/strict";
import { test } from "node:test";
import { formatConfig } from "../../main/config/format/format.js";

const X = "$" + "{X}";

/** Name, text, result. A result that is left out: the text is canonical already. */
const rows: readonly (readonly [name: string, text: string, want?: string])[] = [
  ["four blanks per level", "a {\nb {\nc\n}\n}\n", "a {\n    b {\n        c\n    }\n}\n"],
  ["one blank between words", " a\t b  c \n", "a b c\n"],
  ["CRLF becomes LF", "a\r\nb\r\n", "a\nb\n"],
  ["the file ends with one LF", "a", "a\n"],
  ["an empty file stays empty", "", ""],
  ["a file of blank lines becomes empty", " \n\n\t", ""],
  ["runs of blank lines become one", "\n\na\n\n \n\nb\n\n", "a\n\nb\n"],
  ["no blank line after { or before }", "a {\n\nb\n\n}\n", "a {\n    b\n}\n"],
  ["nor after { with a comment", "a { # c\n\nb\n\n# d\n\n}\n", "a {  # c\n    b\n\n    # d\n}\n"],
  ["a one-line block is split", "a { b c } d\n", "a {\n    b c\n}\nd\n"],
  ["an empty block", "a {}\n", "a {\n}\n"],
  ["braces without blanks", "a{b{c}}\n", "a {\n    b {\n        c\n    }\n}\n"],
  ["two closing braces", "a {\nb {\n} }\n", "a {\n    b {\n    }\n}\n"],
  ["the depth is never below 0", "}\n}\na {\nb\n}\n", "}\n}\na {\n    b\n}\n"],
  ["lines are never joined", "l {\na\n  b\n}\n", "l {\n    a\n    b\n}\n"],
  ["two blanks before a comment", "a # c  d \nb!e\n", "a  # c  d\nb  !e\n"],
  ["a comment belongs to its block", "#a\nb {\n  #c\nd\n#e\n}\n", "#a\nb {\n    #c\n    d\n    #e\n}\n"],
  ["the comment of a split line stays last", "a { b } # c\n", "a {\n    b\n}  # c\n"],
  ["quotes are kept", `a "b  {  # c" ""\n`],
  ["a quote begins and ends a word", `ab"c d"e\n`, `ab "c d" e\n`],
  ["bytes that are no UTF-8", "a \xA0b\xE9  \xFF\n", "a \xA0b\xE9 \xFF\n"],

  ["{ moves up", "a b\n{\nc\n}\n", "a b {\n    c\n}\n"],
  ["{ moves up over blank lines, with what follows split", "a\n\n{ b }\n", "a {\n    b\n}\n"],
  ["{ moves before a comment", "a # c\n{\n", "a {  # c\n"],
  ["the comment of { moves with it", "a\n{ # c\n", "a {  # c\n"],
  ["two comments keep { where it is", "a # b\n{ # c\nd\n", "a  # b\n{  # c\n    d\n"],
  ["a comment between keeps { where it is", "a\n# b\n{\nc\n}\n", "a\n# b\n{\n    c\n}\n"],
  ["{ does not move to a brace", "a {\n{\nb\n}\n}\n{\n", "a {\n    {\n        b\n    }\n}\n{\n"],
  [
    "{ does not move to a condition, include or use",
    `@a x\n{\ninclude f\n{\na ${X}\n{\n`,
    `@a x\n{\n    include f\n    {\n        a ${X}\n        {\n`,
  ],
  ["{ does not make an include", "include\n{\n", "include\n{\n"],
  ["{ does not move behind a backslash", "a \\\n{\n", "a \\\n{\n"],

  ["script text is kept", `script   "/bin/x  'a  b'"   u\n`, `script "/bin/x  'a  b'"   u\n`],
  ["scripts join quotes with text", `notify_master a"b c"d'  e'\n`],
  ["nothing comes between a script keyword and its quote", `script"/bin/x"\n`],
  ["a block keyword that looks like a script", `vrrp_script  "a"   {\n`, `vrrp_script "a" {\n`],
  ["single quotes and backslashes keep the text", "a   b\\   c\n", "a b\\   c\n"],
  ["and are not torn apart", "notify '/bin/x {a}'\n"],
  [
    "single quotes inside double quotes are letters",
    `a { script "/bin/x 'b'" }\n`,
    `a {\n    script "/bin/x 'b'"\n}\n`,
  ],

  ["definitions are kept", "a {\n$X=b   c { # d\n$Y = 1\n}\n", "a {\n    $X=b   c { # d\n    $Y = 1\n}\n"],
  [
    "values of several lines are kept",
    "  $X= \\\n b   c { \\\n  \n# d\n\te }\n\n\n  f\n",
    "$X= \\\n b   c { \\\n  \n# d\n\te }\n\nf\n",
  ],
  ["a line that a substitution may take away stays one", "$X=1$X\n {a$X\n", "$X=1$X\n{a$X\n"],
  ["the empty line that ends a value is kept", "a {\n$X=b \\\n\n}\n", "a {\n    $X=b \\\n\n}\n"],
  ["also at the end of the file", "$X=b \\\n\n", "$X=b \\\n\n"],
  ["a blank line does not end a value, not even of CRs", "$X=b \\\n\r\r\n  c   d\n", "$X=b \\\n \n  c   d\n"],
  ["nor one of a form feed or a vertical tab", "$X=b \\\n\f\v\n  c   { d }\n"],
  ["a backslash in a comment may mean that a value goes on", "$X=b # \\\nc   d\n"],
  ["and keeps a { where it is", "a  # \\\n{\n"],
  ["an escaped comment may", "$X=b \\# \\\nc   d\n"],
  ["a conditional definition may be of several lines", "@a $X= \\\nb   c\n"],
  ["a backslash elsewhere goes on nowhere", "a \\\nb   c\n", "a \\\nb c\n"],
  ["from the first $ on text is kept", `a   b   x${X}   c   {\n`, `a b x${X}   c {\n`],
  ["a use is not separated from a brace", `a ${X}{\n    b $X}\n`],
  ["or quote", `a   $X"b"   c\n`, `a $X"b"   c\n`],
  ["a line with uses is not split", `a { b ${X} }\n`],
  ["nor before its last statement: a failed substitution takes the whole line", `} a { b  ${X}\n`],
  ["a name in braces is no block", `a ${X}\nb\n`],

  [
    "conditions stay in front",
    "a {\n @b   c   d\n@^b e  {\n@^b }\n}\n",
    "a {\n    @b c d\n    @^b e {\n    @^b }\n}\n",
  ],
  ["a condition covers its line", "@a   b { c   d }\n"],
  ["alternatives open one block", "@a b {\n@^a c {\nd\n}\n", "@a b {\n@^a c {\n    d\n}\n"],
  ["lines with odd blanks are kept", " \f@b   c\n\r$X=1\na   b\v c\n", "\f@b   c\n\r$X=1\na   b\v c\n"],
  ["lines with escaped quotes are kept", 'a  "b \\" c\\" d"  # e\n'],
  ["and so are carriage returns inside a line", "a  b \r \r\n", "a  b \r \r\n"],
  ["a definition after a brace may go on", "a { $X= \\\nb   c\n"],
  ["a blank after a backslash is kept", "a   b \\ \t\r\n", "a   b \\ \n"],
  ["repetitions are kept", "a {\n~SEQ(I, 3)  b { c }\n}\n", "a {\n    ~SEQ(I, 3)  b { c }\n}\n"],
  ["the name of an include is the rest", "a {\ninclude   x  {b,c} \n}\n", "a {\n    include x  {b,c}\n}\n"],
  [
    "no include, condition or definition comes to the front",
    "a { include b }\na { @b c }\na { $X=1 }\na { ~SEQ(I,1) b }\n",
  ],
  ["nor by a quote or brace", `include"a"\ninclude{a}\n`, `include"a"\ninclude{a}\n`],
  ["an escaped comment is kept", "a   b\\#c   { # d\n"],
  ["a byte order mark is kept", "\xEF\xBB\xBFa   b\nc   d\n", "\xEF\xBB\xBFa   b\nc d\n"],
];

for (const [name, text, want = text] of rows) {
  test(`format: ${name}`, () => {
    assert.equal(formatConfig(text).text, want);
    assert.equal(formatConfig(want).text, want);
  });
}

test("levels may be a tab", () => {
  assert.equal(formatConfig("a {\nb {\nc\n", { indent: "\t" }).text, "a {\n\tb {\n\t\tc\n");
});

const unclosed = "a double quote is not closed on the line, which is kept as it is; close the quote";
const tooLong = "the line is longer than the 1022 bytes that keepalived reads and is kept as it is; split it";
const nul = "the line holds a NUL byte and is kept as it is; remove the byte";

for (const [name, text, want, line, sentence] of [
  ["an open quote", `a {\n b   "c   { # d \n}\n`, `a {\n    b   "c   { # d\n}\n`, 2, unclosed],
  ["a NUL byte", "a {\n b  \0  { \n}\n", "a {\n b  \0  { \n}\n", 2, nul],
  ["a long line", `a   b\n  ${"w  ".repeat(400)}\r\n`, `a b\n  ${"w  ".repeat(400)}\r\n`, 2, tooLong],
] as const) {
  test(`${name} is kept and reported`, () => {
    assert.deepEqual(formatConfig(text), { text: want, notes: [{ line, sentence }] });
  });
}

test("an open quote in a definition or an include is text", () => {
  assert.deepEqual(formatConfig('$X="a\ninclude a"b\n'), { text: '$X="a\ninclude a"b\n', notes: [] });
});

test("no line is made too long", () => {
  const long = "w".repeat(1015);
  // Too long with the indentation; with the `{`; with two blanks before the comment; with blanks around the quotes.
  for (const text of [
    `a {\n    b {\n${long}\n    }\n}\n`,
    `${long}abcdef\n{\n`,
    `${long}#comment\n`.slice(0, 1022).concat("\n"),
    `${'a"b"'.repeat(255)}\n`,
    `b { ${'a"b"'.repeat(254)}\n`,
  ]) {
    assert.deepEqual(formatConfig(text), { text, notes: [] });
  }
});

test("what follows a line that is thrown away in part may be a value, and is kept", () => {
  const text = `${"x".repeat(1022)}$X= \\\n  a   b\n`;
  assert.equal(formatConfig(text).text, text);
});
