import type { Scope } from "../../config/keyword.js";
import { rootScope } from "../../config/keywords/root.js";
import { places } from "../../config/walk.js";
import { type OptionSpec, optionTable } from "../../control/options-table.js";
import { toolTable } from "../table.js";

/** What may follow `holdfast`, whatever the shell. */

export interface ToolOption {
  readonly name: string;
  readonly help: string;
  /** Its values, when they can be listed; "file" for a path; undefined: it takes none, or any. */
  readonly values?: readonly string[] | "file";
  readonly takesValue?: true;
}

export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly ToolOption[];
  /** What its other words are. */
  readonly words: readonly string[] | "file" | "keyword";
}

const help: ToolOption = { name: "--help", help: "how to use it" };
const configId: ToolOption = { name: "--config-id", help: "id for @id lines", takesValue: true };
const strict: ToolOption = { name: "--strict", help: "words without effect are errors" };

const options: Readonly<Record<string, Pick<Subcommand, "options" | "words">>> = {
  check: {
    options: [
      { name: "--format", help: "form of the findings", values: ["text", "json", "sarif"] },
      strict,
      configId,
      help,
    ],
    words: "file",
  },
  fmt: {
    options: [
      { name: "--check", help: "only list files that would change" },
      { name: "--diff", help: "only show what would change" },
      { name: "--indent", help: "blanks per depth, or tab", values: ["2", "4", "8", "tab"] },
      help,
    ],
    words: "file",
  },
  explain: { options: [{ name: "--list", help: "all keywords" }, help], words: "keyword" },
  config: {
    options: [
      { name: "--format", help: "form of the output", values: ["conf", "json"] },
      { name: "--secrets", help: "show passwords and keys" },
      configId,
      help,
    ],
    words: ["show"],
  },
  completion: { options: [help], words: ["bash", "zsh", "fish"] },
  lsp: { options: [help], words: [] },
};

export const subcommands: readonly Subcommand[] = [
  ...Object.entries(toolTable).map(([name, { summary }]) => ({
    name,
    summary,
    ...(options[name] ?? { options: [], words: [] }),
  })),
  { name: "status", summary: "ask the running daemon", options: [{ name: "--json", help: "as JSON" }], words: [] },
  { name: "servers", summary: "ask the running daemon for servers and checks, as JSON", options: [], words: [] },
  { name: "give-way", summary: "let a keepalived that is started next take over", options: [], words: [] },
  { name: "upgrade", summary: "put the installed version in place of the running daemon", options: [], words: [] },
  {
    name: "why",
    summary: "ask the running daemon why an instance or a server is in its state",
    options: [{ name: "--format", help: "form of the output", values: ["text", "json"] }],
    words: [],
  },
];

/** The daemon's own. */
export const daemonOptions: readonly OptionSpec[] = optionTable;

/** Paths are what most options with a value take; the words say so. */
export const takesFile = ({ metavar = "", argument }: OptionSpec): boolean =>
  argument !== "none" && /FILE|PATH|DIR/i.test(metavar);

export const keywordNames = (): readonly string[] =>
  [...new Set([...places(rootScope as Scope<never>)].map(({ name }) => name))].sort((a, b) => (a < b ? -1 : 1));
