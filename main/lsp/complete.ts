import type { Described, Keyword, Scope } from "../config/keyword.js";
import { type Place, shapeOf, valueWords } from "../config/walk.js";
import { kindInList, kindInStatement, type NamedPlace, type NameKind } from "./names.js";
import { type CursorPlace, listOf, scopeOf } from "./place.js";

export interface Suggestion {
  readonly label: string;
  readonly kind: "keyword" | "block" | "value" | "name" | "definition";
  readonly detail: string;
  readonly documentation: string;
  readonly deprecated: boolean;
}

/** What may be written at the cursor. `known`: names declared in the files of this configuration. */
export function complete(root: Scope<never>, place: CursorPlace, known: readonly NamedPlace[]): readonly Suggestion[] {
  if (place.inComment || place.special === "include") return [];
  if (place.prefix.startsWith("$"))
    return named(known, "definition").map((one) => ({ ...one, label: `\${${one.label}}` }));
  const list = listOf(root, place.path);
  if (list !== undefined) return inList(list, place, known);
  const scope = scopeOf(root, place.path);
  if (scope === undefined || place.special !== undefined) return [];
  const [name, ...rest] = place.words;
  if (name === undefined) return Object.entries(scope.keywords).map(([label, keyword]) => ofKeyword(label, keyword));
  const keyword = Object.hasOwn(scope.keywords, name) ? scope.keywords[name] : undefined;
  if (keyword === undefined) return [];
  const kind = kindInStatement(place.path, [...place.words, place.prefix], place.words.length);
  if (kind !== undefined) return named(known, kind);
  if (keyword.kind === "value") return choices(keyword.args[rest.length]?.words ?? [], keyword);
  return options(keyword, rest);
}

function inList(list: Keyword<never>, place: CursorPlace, known: readonly NamedPlace[]): readonly Suggestion[] {
  const kind =
    place.words.length === 0 ? kindInList(place.path) : kindInStatement(place.path, place.words, place.words.length);
  return kind === undefined ? options(list, place.words) : named(known, kind);
}

/** Options after the words that are there; those of `encap ip6` only after these words. */
function options(keyword: Keyword<never>, words: readonly string[]): readonly Suggestion[] {
  const all = [...valueWords(keyword)];
  const last = words.at(-1);
  const values = all.filter(
    ({ after, described }) => described === undefined && after.length > 0 && after.at(-1) === last,
  );
  const offered = values.length > 0 ? values : all.filter(({ after }) => after.every((word) => words.includes(word)));
  const unique = new Map(offered.map((one) => [one.word, one]));
  return [...unique.values()].map(({ word, shape, described }) => ({
    label: word,
    kind: "value",
    detail: `${word} ${shape}`.trimEnd(),
    documentation: described?.doc ?? "",
    deprecated: described?.deprecated !== undefined,
  }));
}

const choices = (words: readonly string[], { doc }: Described): readonly Suggestion[] =>
  words.map((label) => ({ label, kind: "value", detail: "", documentation: doc, deprecated: false }));

const ofKeyword = (label: string, keyword: Keyword<never>): Suggestion => ({
  label,
  kind: keyword.kind === "block" || keyword.kind === "list" ? "block" : "keyword",
  detail: `${label} ${shapeOf(keyword)}`.trimEnd(),
  documentation: described(keyword),
  deprecated: keyword.deprecated !== undefined,
});

const notes: Readonly<Record<Place["state"], string>> = {
  works: "",
  accepted: "Accepted, without effect in this version.",
};

const described = ({ doc, default: preset, effect, deprecated }: Described): string =>
  [
    doc,
    preset === undefined ? "" : `Default: ${preset}.`,
    notes[effect ?? "works"],
    deprecated === undefined ? "" : `Deprecated: write ${deprecated.instead}.`,
  ]
    .filter((sentence) => sentence !== "")
    .join("\n");

const named = (known: readonly NamedPlace[], kind: NameKind): readonly Suggestion[] =>
  [...new Set(known.filter((one) => one.kind === kind).map(({ name }) => name))].map((label) => ({
    label,
    kind: kind === "definition" ? "definition" : "name",
    detail: kind,
    documentation: "",
    deprecated: false,
  }));
