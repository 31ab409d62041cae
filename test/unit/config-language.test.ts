import assert from "node:assert/strict";
import { test } from "node:test";
import { statementsOf } from "./config-statements.js";

/** Text in which `%{` stands for the `${` of the language. */
const conf = (text: string): string => text.replaceAll("%{", "$" + "{");

const SRV = "$S= \\\n  a 1 \\\n @node1 b 2 { \\\n @other no \\\n } \n";

/** What lines become: statements, each as its words with `|` between. Tried on keepalived. */
const cases: Readonly<Record<string, readonly (readonly [name: string, text: string, shape: readonly string[]])[]>> = {
  condition: [
    ["for this host", "@node1 a b", ["a|b"]],
    ["for all others", "@^node1 a", []],
    ["for another host", "@other a", []],
    ["for all but another", "@^other a", ["a"]],
    ["a tab after the id", " @node1\ta", ["a"]],
    ["nothing after the id", "@node1\n@node1 \nb", ["b"]],
    ["an empty id is nobody's", "@ a", []],
    ["an empty id is not ours", "@^ a", ["a"]],
    ["letter case counts", "@Node1 a", []],
    ["no lists", "@(node1|x) a", []],
    ["one per line", "@node1 @other a", ["@other|a"]],
    ["before a definition", "@other $A=1\n@node1 $A=2\na%{A}", ["a2"]],
    ["before a repetition", "@node1 ~SEQ(I, 2) a$I", ["a1", "a2"]],
    ["a brace on a line of its own", "a\n@node1 {\nb\n@other }\n}", ["a", "{", "b", "}"]],
    ["out of a substitution, as the manual says", "$C=@other\n$C a\n$D=@node1\n$D b", ["b"]],
  ],
  definition: [
    ["braces anywhere", "$A=x\ny%{A}z", ["yxz"]],
    ["a plain name before a blank, a comma, ')' or the end", "$A=x\n$A y$A,z $A) $A", ["x|yx,z|x)|x"]],
    ["a plain name before anything else is none", '$A=x\n$A.b "$A" $A;', ["$A.b|$A|$A;"]],
    ["inside double quotes", '$A=x y\na "%{A}"', ["a|x y"]],
    ["blanks around the value go", "$A=  x  y \na%{A}b", ["ax|yb"]],
    ["an empty value", "$A=\na%{A}b", ["ab"]],
    ["no blank before the sign", "$A =x\nb", ["$A|=x", "b"]],
    ["redefined from there on", "$A=1\na%{A}\n$A=2\na%{A}", ["a1", "a2"]],
    ["expanded where it is used", "$A=%{B}\n$B=1\na%{A}", ["a1"]],
    ["names made of names", "$Y=1\n$X_1=foo\na%{X_%{Y}}", ["afoo"]],
    ["names made of values", "$A=b\n$b=c\na$$A", ["ac"]],
    ["a value may hold a block", "$A=a { b }\n$A c", ["a", "{", "b", "}", "c"]],
    ["a comment in a value ends the line of use", "$A=x%{_HASH}y\na%{A} b", ["ax"]],
    ["in quotes it ends nothing", '$A="x#y"\n$A b', ["x#y|b"]],
    ["a predefined name may be redefined", "$_INSTANCE=x\na%{_INSTANCE}", ["ax"]],
    ["a value that begins with ~SEQ", "$A=~SEQ(I, 2) a$I\n$A", ["a1", "a2"]],
    ["a value that is a definition", "$A=$B=1\n$A\na%{B}", ["a1"]],
  ],
  "definition of several lines": [
    ["its lines", `${SRV}$S`, ["a|1", "b|2", "{", "}"]],
    ["in braces", `${SRV}%{S}`, ["a|1", "b|2", "{", "}"]],
    ["after other text", `${SRV}x$S`, ["xa|1", "b|2", "{", "}"]],
    ["a value on the first line", "$S=a \\\nb\n$S", ["a", "b"]],
    ["an empty line ends it", "$S=a \\\nb \\\n\nc\n$S", ["c", "a", "b"]],
    ["an empty line with CR ends it", "$S=a \\\r\nb \\\r\n\r\nc\r\n$S", ["c", "a", "b"]],
    ["blanks and comments do not end it", "$S=a \\\n  \n # b\n c \\ # d\n e\nf\n$S", ["f", "a", "c", "e"]],
    ["the end of the file ends it", "$S=a \\\nb \\", []],
    ["a comment that ends in a backslash goes on", "$S=a # b \\\nc # d \\\n e\n$S", ["a", "c", "e"]],
    ["names in it are those of the use", "$S=\\\na%{N} \\\nb$N\n$N=1\n$S\n$N=2\n$S", ["a1", "b1", "a2", "b2"]],
    ["definitions in it", "$S=\\\n$N=1 \\\na$N \\\n$N=2 \\\nb$N\n$S", ["a1", "b2"]],
    ["repetitions in it", "$S=\\\na \\\n~SEQ(I, 2) b$I \\\nc\n$S", ["a", "b1", "b2", "c"]],
    [
      "in each other",
      "$S=\\\na \\\n$T \\\nb\n$T=\\\nc \\\nd $U \\\ne\n$U=\\\nf \\\ng\n$S",
      ["a", "c", "d|f", "g", "e", "b"],
    ],
    ["twice in another", "$S=\\\n$T \\\n$T\n$T=\\\na \\\nb\n$S", ["a", "b", "a", "b"]],
    ["as the value of another", "$S=\\\na \\\nb\n$T=$S\n$T\nc", ["a", "b", "c"]],
    ["repeated", "$S=\\\na$I \\\nb$I\n~SEQ(I, 2) $S", ["a1", "b1", "a2", "b2"]],
    ["for this host", `${SRV}@node1 $S\n@other $S`, ["a|1", "b|2", "{", "}"]],
    ["first line for another host", "$S=\\\n@other a \\\nb\n$S", ["b"]],
  ],
  predefined: [
    ["folder", "a%{_PWD} b$_PWD", ["a/etc/holdfast|b/etc/holdfast"]],
    ["configuration id", "a%{_INSTANCE}", ["anode1"]],
    ["environment", "a%{_ENV SITE} b%{_ENV NOPE}c", ["a7|bc"]],
    ["signs of comments", '"%{_HASH}%{_BANG}"', ["#!"]],
    ["a sign of a comment outside quotes begins one", "a%{_BANG}b", ["a"]],
    ["random numbers of one value", "a%{_RANDOM 5 5} %{_RANDOM 7 7 9}", ["a5|7"]],
  ],
  "backslash at the end of a line": [
    ["it is part of the last word", "a b \\\nc \\", ["a|b\\", "c\\"]],
    ["it joins nothing", "a\\\nb", ["a\\", "b"]],
    ["in a comment it is a comment", "a # b \\\nc", ["a", "c"]],
  ],
  repetition: [
    ["to an end", "~SEQ(I, 3) a$I", ["a1", "a2", "a3"]],
    ["down to a negative end", "~SEQ(I, -2) a$I", ["a-1", "a-2"]],
    ["to 0", "~SEQ(I, 0) a$I", ["a1", "a0"]],
    ["from start to end", "~SEQ(I, 5, 3) a$I", ["a5", "a4", "a3"]],
    ["in steps", "~SEQ(I, 0, 2, 5) a$I", ["a0", "a2", "a4"]],
    ["hexadecimal", "~SEQx(I, 0x8, 0xb) a$I", ["a8", "a9", "aa", "ab"]],
    ["octal, signs and blanks", "~SEQ (I ,  +010 , 011 ) a$I", ["a8", "a9"]],
    ["no blank after it", "~SEQ(I,2)a$I", ["a1", "a2"]],
    ["numbers from definitions", "$N=2\n~SEQ(I, %{N}) a$I\n$M=1,3\n~SEQ(I, $M) b$I", ["a1", "a2", "b1", "b2", "b3"]],
    ["the first varies slowest", "~SEQ(I, 2) ~LST(J, x, y) a%{I}%{J}", ["a1x", "a1y", "a2x", "a2y"]],
    ["the last values stay", "~SEQ(I, 2) a\nb$I", ["a", "a", "b2"]],
    ["within a line it is text", "a ~SEQ(I, 2) b", ["a|~SEQ(I,|2)|b"]],
    ["a list", "~LST(C, red, blue) a$C", ["ared", "ablue"]],
    ["a list of definitions", "$R=red\n~LST(C, $R, blue) a$C", ["ared", "ablue"]],
    ["tuples", "~LST({A,B}, { 1 , x },{2,y}) a%{A}-%{B}", ["a1-x", "a2-y"]],
    ["missing members are empty", "~LST({A,B}, {1}, 2) a%{A}-%{B}", ["a1-", "a2-"]],
    ["blocks", "~SEQ(I, 2) a$I { b$I }", ["a1", "{", "b1", "}", "a2", "{", "b2", "}"]],
    ["conditions and definitions in it", "~SEQ(I, 2) @other a\n~SEQ(I, 2) $X=%{I}x\nb$X", ["b2x"]],
    ["nothing to repeat", "~SEQ(I, 4)\na", ["a"]],
  ],
};

for (const [subject, rows] of Object.entries(cases)) {
  for (const [name, text, shape] of rows) {
    test(`${subject}: ${name}`, () => assert.deepEqual(statementsOf(conf(text)).shape, shape));
  }
}

/** Where keepalived hangs, crashes or is silent, and where it complains. */
for (const [name, text, shape, findings] of [
  ["a definition of itself", "$A=$A\na $A\nb", ["b"], ["CFG_SUBSTITUTION@2:1"]],
  ["a definition that grows", "$A=x%{A}%{A}\n$A\nb", ["b"], ["CFG_SUBSTITUTION@2:1"]],
  ["two definitions of each other", "$A=%{B}\n$B=%{A}\n$A\nb", ["b"], ["CFG_SUBSTITUTION@3:1"]],
  ["several lines that contain themselves", "$A=\\\na \\\n$A\n$A\nb", ["a", "b"], ["CFG_SUBSTITUTION@4:1"]],
  ["a condition of itself", "$A=@node1 $A\n$A\nb", ["b"], ["CFG_SUBSTITUTION@2:1"]],
  ["several lines within a line", "$A=\\\na \\\nb\nc $A d", ["c|$A|d"], ["CFG_ADVICE@4:1"]],
  ["an undefined name", "a %{B C}", ["a|%{B C}"], ["CFG_SUBSTITUTION@1:3"]],
  ["an undefined name in quotes", 'a "%{B}"', ["a|%{B}"], []],
  ["random numbers: least above greatest", "a%{_RANDOM 7 5}", ["a7"], ["CFG_SUBSTITUTION@1:1"]],
  ["random numbers: no number", "a %{_RANDOM x}", ["a|%{_RANDOM x}"], ["CFG_SUBSTITUTION@1:3"]],
  ["~SEQ without an end", "~SEQ(I) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ without a parenthesis", "~SEQ(I, 2\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ away from its end", "~SEQ(I, 1, -1, 5) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ without a step", "~SEQ(I, 1, 0, 5) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ of letters", "~SEQ(I, a) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ of four numbers", "~SEQ(I, 1, 1, 4, 5) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQ beyond all numbers", "~SEQ(I, 9223372036854775807) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQx below 0", "~SEQx(I, -2) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~SEQy", "~SEQy(I, 2) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~LST without values", "~LST(I) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~LST with too many values", "~LST({A,B}, {1,2,3}) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
  ["~LST with blanks in a value", "~LST(I, a b) a\nb", ["b"], ["CFG_SUBSTITUTION@1:1"]],
] as const) {
  test(`bad language: ${name}`, () => {
    const read = statementsOf(conf(text));
    assert.deepEqual([read.shape, read.findings], [shape.map(conf), findings]);
  });
}

test("random numbers lie between their limits", () => {
  const numbers = statementsOf(conf("~SEQ(I, 500) %{_RANDOM 3 5}")).shape;
  assert.deepEqual(new Set(numbers), new Set(["3", "4", "5"]));
});

test("the manual's example: 65,024 instances", () => {
  const text = "$V=\\\nvrrp_instance v%{A}.%{B}.%{C} { \\\n  interface e%{A}.%{B} \\\n}\n";
  const { shape } = statementsOf(conf(`${text}~SEQ(A,0,7) ~SEQ(B,0,31) ~SEQ(C,1,254) $V`));
  assert.deepEqual([shape.length, shape[0], shape.at(-2)], [65_024 * 4, "vrrp_instance|v0.0.1", "interface|e7.31"]);
});

test("provenance: which definitions and repetitions a word came out of", () => {
  const text = conf("$A=x%{B} \\\n  y\n$B=b\nplain\n~SEQ(I, 2) w $A");
  const { statements } = statementsOf(text);
  const origins = statements.map((s) => {
    const at = s.kind === "words" ? s.words[0].at : s.at;
    return [at.line, ...(at.from ?? []).map(({ kind, name, at: { line } }) => `${kind} ${name} ${line}`)];
  });
  const turn = (i: number): unknown[] => [
    [5, `repetition I=${i} 5`, "definition A 1", "definition B 3"],
    [5, `repetition I=${i} 5`, "definition A 1"], // the second line of A, which has no B
  ];
  assert.deepEqual(origins, [[4], ...turn(1), ...turn(2)]);
  assert.equal(statements[0]?.kind === "words" && "from" in statements[0].words[0].at, false);
});

test("reading ends, and says so, before the memory does", { timeout: 20_000 }, () => {
  const { shape, diagnostics } = statementsOf("~SEQ(I, 1, 4294967295) a", {}, { memoryIsShort: () => true });
  assert.deepEqual([shape.length > 1000, shape.length < 200_000], [true, true]);
  assert.match(diagnostics[0]?.message ?? "", /needs more memory than there is; reading ends here/);
});

test("definitions that double each other end at a bound", { timeout: 20_000 }, () => {
  const line = Array.from({ length: 40 }, (_, i) => `$A${i}=%{A${i + 1}}%{A${i + 1}}`).join("\n");
  const { shape, findings } = statementsOf(conf(`${line}\n$A40=x\n$A0\nb`));
  assert.deepEqual([shape, findings], [["b"], ["CFG_SUBSTITUTION@42:1"]]);
});
