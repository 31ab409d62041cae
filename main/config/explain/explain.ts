import type { Described, Scope } from "../keyword.js";
import { suggest } from "../suggest.js";
import { onInvalidOf, type Path, type Place, places, repeatOf, shapeOf, type ValueWord, valueWords } from "../walk.js";

/** The text of `holdfast explain KEYWORD`; undefined when nothing has that name. `path`: where `root` stands itself. */
export function explain(root: Scope<never>, name: string, path: Path = []): string | undefined {
  const all = [...places(root, path)];
  const keywords = all.filter((place) => place.name === name);
  const words = all.flatMap((place) =>
    [...valueWords(place.keyword)].filter(({ word }) => word === name).map((word) => ({ place, word })),
  );
  if (keywords.length + words.length === 0) return undefined;
  const groups = [...together(keywords, ({ keyword, state }) => sameness(keyword, state))];
  const sections = groups.map((group) => keywordSection(group));
  const options = [...together(words, ({ word, place }) => sameness(word.described ?? word, place.state, word.shape))];
  return [...sections, ...options.map((group) => optionSection(name, group))].join("\n");
}

/** What somebody who typed `name` may have meant. */
export function nearestName(root: Scope<never>, name: string): string | undefined {
  return suggest(name, new Set([...places(root)].map((place) => place.name)));
}

/** A few keywords that somebody who typed a part of them may have meant; none when too many have it. */
export function namesWith(root: Scope<never>, part: string): readonly string[] {
  const names = new Set([...places(root)].map(({ name }) => name).filter((name) => name.includes(part)));
  return part.length < 3 || names.size > 12 ? [] : [...names];
}

/** Keywords that read the same in many places are explained once. */
function* together<T>(items: readonly T[], key: (item: T) => string): Generator<readonly [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  yield* groups.values();
}

const sameness = (what: Described | ValueWord, state: Place["state"], shape = ""): string =>
  JSON.stringify([what, state, shape], (key, value: unknown) =>
    key === "body" || key === "options" ? undefined : value,
  );

function keywordSection(group: readonly [Place, ...Place[]]): string {
  const [{ name, keyword, state }] = group;
  const inside = keyword.kind === "block" ? Object.keys(keyword.body.keywords).join(" ") : "";
  const words = [...valueWords(keyword)].filter(({ after }) => after.length === 0).map(({ word }) => word);
  return lines([
    `${name} ${shapeOf(keyword)}`.trimEnd(),
    `    ${keyword.doc}`,
    ["where", where(group.map(({ path }) => path))],
    ["default", keyword.default],
    ["again", repeatOf(keyword)],
    ["bad value", onInvalidOf(keyword)],
    ["words", [...new Set(words)].join(" ") || undefined],
    ["inside", inside || undefined],
    ...common(keyword, state),
  ]);
}

function optionSection(
  name: string,
  group: readonly [{ place: Place; word: ValueWord }, ...{ place: Place; word: ValueWord }[]],
): string {
  const [{ place, word }] = group;
  const paths = group.map((one) => [...one.place.path, one.place.name, ...one.word.after]);
  const { described, shape } = word;
  return lines([
    described === undefined ? name : `${name} ${shape}`.trimEnd(),
    `    ${described?.doc ?? `One of: ${shape}`}`,
    ["after", where(paths)],
    ...(described === undefined ? [] : [["default", described.default] as const, ...common(described, place.state)]),
  ]);
}

type Row = string | readonly [string, string | undefined];

const common = (what: Described, outer: Place["state"]): readonly Row[] => [
  ["alias of", what.aliasOf],
  ["deprecated", what.deprecated && `write ${what.deprecated.instead}`],
  ["since", what.since && `keepalived ${what.since}`],
  ["state", stateSentence(what.effect ?? outer, what.ours)],
];

const stateSentence = (state: Place["state"], ours: true | undefined): string =>
  ({
    works: ours === true ? "works; holdfast's own, keepalived does not know it" : "works",
    accepted: "accepted, without effect in this version",
  })[state];

const where = (paths: readonly (readonly string[])[]): string =>
  [...new Set(paths.map((path) => (path.length === 0 ? "top level" : path.join(" > "))))].join("\n                ");

const lines = (rows: readonly Row[]): string =>
  rows
    .flatMap((row) => {
      if (typeof row === "string") return [row];
      const [label, value] = row;
      return value === undefined ? [] : [`    ${`${label}:`.padEnd(12)}${value}`];
    })
    .map((line) => `${line}\n`)
    .join("");
