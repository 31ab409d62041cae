import { type Described, type Keyword, repeatRule, type Scope } from "./keyword.js";
import type { OptionTable } from "./option-words.js";

/** Where a word may stand: names of the blocks around it, outermost first; empty at top level. */
export type Path = readonly string[];

export interface Place {
  readonly path: Path;
  readonly name: string;
  readonly keyword: Keyword<never>;
  readonly state: "works" | "accepted";
}

/** Every keyword of the tables with every place where it may stand, blocks before what is in them. */
export function* places(root: Scope<never>, path: Path = [], outer: Place["state"] = "works"): Generator<Place> {
  for (const [name, keyword] of Object.entries(root.keywords)) {
    const state = keyword.effect ?? outer;
    yield { path, name, keyword, state };
    if (keyword.kind === "block") yield* places(keyword.body as Scope<never>, [...path, name], state);
  }
}

/** A word that may stand among the values of a keyword. */
export interface ValueWord {
  readonly word: string;
  /** Words that must stand before it on the line, the keyword not counted: `encap ip6` before `tc`. */
  readonly after: readonly string[];
  /** Undefined for a plain choice such as `rr`. */
  readonly described: Described | undefined;
  readonly shape: string;
}

/** The listed values and options of a keyword. */
export function* valueWords(keyword: Keyword<never>): Generator<ValueWord> {
  if (keyword.kind === "value") {
    for (const { words = [], shape } of keyword.args) {
      for (const word of words) yield { word, after: [], described: undefined, shape };
    }
  } else if ("options" in keyword && keyword.options !== undefined) yield* optionsOf(keyword.options, []);
}

function* optionsOf(table: OptionTable, after: readonly string[]): Generator<ValueWord> {
  for (const [word, option] of Object.entries(table)) {
    yield { word, after, described: option, shape: option.args.map(({ shape }) => shape).join(" ") };
    for (const { words = [], shape } of option.args) {
      for (const value of words) yield { word: value, after: [...after, word], described: undefined, shape };
    }
    if (option.options !== undefined) yield* optionsOf(option.options, [...after, word]);
  }
}

/** What stands after a keyword, as a manual prints it. */
export function shapeOf(keyword: Keyword<never>): string {
  switch (keyword.kind) {
    case "value":
      return keyword.args.map(({ shape }) => shape).join(" ");
    case "words":
      return keyword.shape;
    case "script":
      return '"<command> [<arguments>]" [<user> [[:]<group>]]';
    case "list":
      return `{ ${keyword.shape} ... }`;
    case "block":
      return `${keyword.shape}${keyword.shape === "" ? "" : " "}{ ... }`;
  }
}

/** What the reader does with a value that it cannot use. */
export function onInvalidOf(keyword: Keyword<never>): string {
  if (keyword.kind === "value" && keyword.onInvalid !== undefined && keyword.onInvalid !== "ignore") {
    return keyword.onInvalid.says;
  }
  switch (keyword.kind) {
    case "block":
      return "the block is left out";
    case "list":
      return "the entry is left out";
    case "script":
      return "the script is not run";
    default:
      return "the earlier value or the default stays";
  }
}

/** What happens when it is given again. */
export function repeatOf(keyword: Keyword<never>): string {
  switch (repeatRule(keyword)) {
    case "append":
      return "may be repeated";
    case "first-wins-reported":
      return "a second one is an error, the first is used";
    case "last-wins-reported":
      return "a second one is an error, but is used";
    default:
      return "the last one counts";
  }
}
