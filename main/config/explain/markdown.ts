import type { Scope } from "../keyword.js";
import { onInvalidOf, type Place, places, repeatOf, shapeOf, type ValueWord, valueWords } from "../walk.js";
import { languageParts } from "./language.js";

/** docs/keywords.md: every word of the language with its state, written from the tables. */
export function keywordsMarkdown(root: Scope<never>): string {
  const all = [...places(root)];
  const scopes = new Map<string, Place[]>();
  for (const place of all) {
    const scope = place.path.join(" > ");
    scopes.set(scope, [...(scopes.get(scope) ?? []), place]);
  }
  const parts = [...scopes].map(([scope, here]) => scopeSection(scope, here));
  return `${head(all)}\n${languageSection()}\n${parts.join("\n")}`;
}

const languageSection = (): string => `## The language itself

| form | effect |
| --- | --- |
${languageParts.map(({ forms, doc }) => row([forms.map(code).join(" "), doc])).join("")}`;

function head(all: readonly Place[]): string {
  const works = all.filter(({ state }) => state === "works").length;
  const accepted = all.filter(({ state }) => state === "accepted").length;
  return `# Keywords

Written from the keyword tables (\`main/config/keywords/\`); \`UPDATE_GOLDEN=1 node --test dist/test/unit/keywords-doc.test.js\`
writes it anew. \`holdfast explain KEYWORD\` shows the same for one word.

Of ${all.length} keywords, each counted in every block where it may stand, ${works} work, and ${accepted} are accepted without effect in this
version.
`;
}

function scopeSection(scope: string, here: readonly Place[]): string {
  const rows = here.map(({ name, keyword, state }) =>
    row([
      `\`${name}\``,
      code(shapeOf(keyword)),
      keyword.default ?? "",
      stateOf(keyword.ours === true ? "works (ours)" : state, keyword.deprecated?.instead, keyword.aliasOf),
      [keyword.doc, `On a bad value ${onInvalidOf(keyword)}; ${repeatOf(keyword)}.`].join(" "),
    ]),
  );
  const options = here.flatMap(({ name, keyword, state }) => optionRows(name, state, [...valueWords(keyword)]));
  const table = `| keyword | arguments | default | state | effect |\n| --- | --- | --- | --- | --- |\n${rows.join("")}`;
  const words =
    options.length === 0
      ? ""
      : `\n| word | arguments | default | state | effect |\n| --- | --- | --- | --- | --- |\n${options.join("")}`;
  return `## ${scope === "" ? "Top level" : scope}\n\n${table}${words}`;
}

const optionRows = (keyword: string, outer: Place["state"], words: readonly ValueWord[]): readonly string[] =>
  words.flatMap(({ word, after, described, shape }) =>
    described === undefined
      ? []
      : [
          row([
            `\`${[keyword, ...after, word].join(" ")}\``,
            code(shape),
            described.default ?? "",
            stateOf(described.effect ?? outer, described.deprecated?.instead, described.aliasOf),
            described.doc,
          ]),
        ],
  );

const stateOf = (state: string, instead: string | undefined, aliasOf: string | undefined): string =>
  [state, instead && `deprecated: ${instead}`, aliasOf && `alias of ${aliasOf}`].filter((part) => part).join("; ");

const code = (text: string): string => (text === "" ? "" : `\`${text.replaceAll("|", "\\|")}\``);
const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, "\\|")).join(" | ")} |\n`;
