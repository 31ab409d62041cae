import { dirname, isAbsolute, join, parse } from "node:path";
import { didYouMean } from "../config/suggest.js";
import type { SinkOptions } from "../observe/log-thread.js";
import { type Action, emptyDraft, type OptionsDraft } from "./options-draft.js";
import { type OptionSpec, optionTable } from "./options-table.js";

/** Tried in this order when there is no -f. */
export const defaultConfigFiles = ["/etc/keepalived/keepalived.conf", "/etc/keepalived.conf"] as const;

export type IpvsChoice = "auto" | "kernel" | "memory";

/** The command line, understood. See `OptionsDraft` for the members. */
export interface Options extends Readonly<Omit<OptionsDraft, "ipvs" | "daemons">> {
  readonly daemons: Readonly<OptionsDraft["daemons"]>;
  readonly ipvs: IpvsChoice;
  readonly action: Action;
}

export interface ParsedOptions {
  readonly options: Options;
  /** Print all, then exit 1: nothing may be started. `usage`, `version` and `signum` are still done if they came first. */
  readonly errors: readonly string[];
  /** Print, then go on. */
  readonly warnings: readonly string[];
}

/**
 * Reads a command line as getopt_long(3) does for keepalived: bundled letters, values attached or in the next word,
 * long names shortened while unique, options after other words. `argv` has neither program nor script.
 */
export function parseOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedOptions {
  const [first] = argv;
  const question = questionOf(argv);
  const read = new Reader(question.rest).run();
  if (question.json) read.draft.statusJson = true;
  const asked = question.action !== undefined && read.action.do === "run" ? question.action : read.action;
  const choice = read.draft.ipvs ?? env["HOLDFAST_IPVS"] ?? "auto";
  const ipvs = ipvsChoices.find((known) => known === choice);
  const badChoice = ipvs === undefined ? [`Invalid IPVS back end '${choice}' - use auto, kernel or memory`] : [];
  // -t works beside the running daemon: it never forks.
  const dontFork = read.draft.dontFork || asked.do === "config-test";
  return {
    options: { ...read.draft, dontFork, ipvs: ipvs ?? "auto", action: asked },
    errors: [...mistypedTool(first), ...question.errors, ...read.errors, ...badChoice],
    warnings: read.warnings,
  };
}

interface Question {
  /** Undefined: nothing is asked of a running daemon. */
  readonly action: Action | undefined;
  readonly json: boolean;
  readonly errors: readonly string[];
  /** Without the words that belong to the question. */
  readonly rest: readonly string[];
}

/** `status`, and `why INSTANCE [--format text|json]`: an option of its own, as keepalived's names may be shortened. */
function questionOf(argv: readonly string[]): Question {
  const [first, instance, ...words] = argv;
  const plain = { json: false, errors: [] };
  if (first === "status") return { ...plain, action: { do: "status" }, rest: argv.slice(1) };
  if (first !== "why") return { ...plain, action: undefined, rest: argv };
  if (instance === undefined || (instance.startsWith("-") && words.length === 0)) {
    const asksHelp = instance === "-h" || instance === "--help";
    const errors = asksHelp ? [] : ["why: no instance is named - write: holdfast why INSTANCE [--format text|json]"];
    return { json: false, errors, action: { do: "why", instance: "" }, rest: argv.slice(1) };
  }
  const at = words.findIndex((word) => word === "--format" || word.startsWith("--format="));
  if (at < 0) return { ...plain, action: { do: "why", instance }, rest: words };
  const attached = words[at]?.split("=", 2)[1];
  const format = attached ?? words[at + 1];
  const known = format === "json" || format === "text";
  const errors = known ? [] : [`why: unknown format '${format ?? ""}' - use text or json`];
  const rest = words.toSpliced(at, attached === undefined ? 2 : 1);
  return { json: format === "json", errors, action: { do: "why", instance }, rest };
}

/** Words that bin/holdfast takes for tools, and what comes to the daemon. */
export const firstWords: readonly string[] = [
  "check",
  "fmt",
  "explain",
  "config",
  "completion",
  "lsp",
  "help",
  "status",
  "why",
];

/** keepalived goes on with words that it does not expect, and so do we; but `holdfast chekc FILE` must not start a daemon. */
function mistypedTool(first: string | undefined): readonly string[] {
  if (first === undefined || first.startsWith("-")) return [];
  const hint = firstWords.includes(first) ? undefined : didYouMean(first, firstWords);
  return hint === undefined ? [] : [`Unknown word '${first}' - ${hint}`];
}

const ipvsChoices: readonly IpvsChoice[] = ["auto", "kernel", "memory"];

/** One pass over the words. */
class Reader {
  readonly draft = emptyDraft();
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly #words: string[];
  readonly #unexpected: string[] = [];
  readonly #warnedInert = new Set<OptionSpec>();
  action: Action = { do: "run" };

  constructor(words: readonly string[]) {
    this.#words = [...words];
  }

  run(): Reader {
    for (let word = this.#words.shift(); word !== undefined && !this.#ended(); word = this.#words.shift()) {
      if (word === "--") this.#unexpected.push(...this.#words.splice(0));
      else if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#bundle(word.slice(1));
      else this.#unexpected.push(word);
    }
    if (this.#unexpected.length > 0) this.warnings.push(`Unexpected argument(s): ${this.#unexpected.join(" ")}`);
    return this;
  }

  /** keepalived acts on -v, -h and --signum where it reads them, and exits. */
  #ended(): boolean {
    return this.action.do !== "run" && this.action.do !== "config-test";
  }

  #long(word: string): void {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const spec = findLong(name);
    if (spec === undefined || (spec.argument === "none" && equals >= 0)) {
      this.errors.push(`Unknown option ${word}`);
      return;
    }
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    this.#take(spec, `--${spec.long}`, attached);
  }

  #bundle(letters: string): void {
    for (let i = 0; i < letters.length && !this.#ended(); i++) {
      const letter = letters.charAt(i);
      const spec = optionTable.find(({ short }) => short === letter);
      if (spec === undefined) {
        this.errors.push(`Unknown option -${letter}`);
      } else if (spec.argument === "none") {
        this.#take(spec, `-${letter}`, undefined);
      } else {
        const rest = letters.slice(i + 1);
        // `-t=FILE` is what the manual shows, so the sign is no part of the name.
        const value = spec.argument === "optional" ? rest.replace(/^=/, "") : rest;
        this.#take(spec, `-${letter}`, rest === "" ? undefined : value);
        return;
      }
    }
  }

  #take(spec: OptionSpec, shown: string, attached: string | undefined): void {
    const value = attached ?? (spec.argument === "required" ? this.#words.shift() : "");
    if (spec.argument === "required" && (value === undefined || value === "")) {
      this.errors.push(`Missing parameter for option ${shown}`);
      return;
    }
    if (spec.refused !== undefined) {
      this.errors.push(`Option ${shown} is not in this version - ${spec.refused}`);
      return;
    }
    if (spec.inert === true && !this.#warnedInert.has(spec)) {
      this.#warnedInert.add(spec);
      this.warnings.push(`Option ${shown} has no effect yet - ignored`);
    }
    const warning = spec.apply?.(this.draft, value ?? "");
    if (warning !== undefined) this.warnings.push(warning);
    if (spec.action !== undefined) this.action = spec.action(value ?? "");
  }
}

/** The option with this name, or the only one whose name begins so. */
function findLong(name: string): OptionSpec | undefined {
  const exact = optionTable.find(({ long }) => long === name);
  if (exact !== undefined || name === "") return exact;
  const candidates = optionTable.filter(({ long }) => long?.startsWith(name));
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** -p, or keepalived's own place for it. */
export const mainPidFile = (options: Pick<Options, "pidFile">): string => options.pidFile ?? "/run/keepalived.pid";

/** Beside the pid file and named after it, so that daemons with their own pid files do not meet. */
export function controlSocketPath(options: Pick<Options, "pidFile" | "controlSocket">): string {
  if (options.controlSocket !== undefined) return options.controlSocket;
  const pidFile = mainPidFile(options);
  return join(dirname(pidFile), `${parse(pidFile).name}.sock`);
}

/** Beside the pid file: the copy of the configuration in force (main/config/accepted.ts). */
export const acceptedConfigPath = (options: Pick<Options, "pidFile">): string => `${mainPidFile(options)}.config`;

/** Where the log goes. `dumpDirectory`: TMPDIR or /tmp. A config test logs nowhere: its findings are its output. */
export function logSinks(options: Options, dumpDirectory: string): SinkOptions {
  const testing = options.action.do === "config-test";
  const { logFile, logJson } = options;
  return {
    console: options.logConsole && options.dontFork && !testing,
    file: logFile === undefined || isAbsolute(logFile) ? logFile : join(dumpDirectory, logFile),
    flushFile: options.flushLogFile,
    syslogFacility: options.syslog && !testing ? options.logFacility : undefined,
    json: logJson,
  };
}
