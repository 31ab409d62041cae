import { createHash } from "node:crypto";
import { dirname, isAbsolute, join, parse, resolve } from "node:path";
import { didYouMean } from "../config/suggest.js";
import type { SinkOptions } from "../observe/log-thread.js";
import { type Action, emptyDraft, type OptionsDraft } from "./options-draft.js";
import { type OptionSpec, optionTable } from "./options-table.js";
import { usualPidFile } from "./pid-files.js";

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
  const read = new Reader(question.rest, question.action?.do === "why").run();
  if (question.json) read.draft.statusJson = true;
  const { action: asked, errors: nameless } = named(actionOf(question.action, read.action), read.words);
  const choice = read.draft.ipvs ?? env["HOLDFAST_IPVS"] ?? "auto";
  const ipvs = ipvsChoices.find((known) => known === choice);
  const badChoice = ipvs === undefined ? [`Invalid IPVS back end '${choice}' - use auto, kernel or memory`] : [];
  // -t works beside the running daemon: it never forks.
  const dontFork = read.draft.dontFork || asked.do === "config-test";
  return {
    options: { ...read.draft, dontFork, ipvs: ipvs ?? "auto", action: asked },
    errors: [...mistypedTool(first), ...question.errors, ...read.errors, ...nameless, ...badChoice],
    warnings: read.warnings,
  };
}

/** What keepalived does on its own, -v for instance, wins over the question; help is about the question. */
function actionOf(question: Action | undefined, read: Action): Action {
  if (question === undefined || (read.do !== "run" && read.do !== "usage")) return read;
  if (read.do === "run") return question;
  const { do: what } = question;
  return what === "status" || what === "servers" || what === "why" || what === "upgrade" || what === "give-way"
    ? { do: "usage", of: what }
    : read;
}

interface Question {
  /** Undefined: nothing is asked of a running daemon. */
  readonly action: Action | undefined;
  readonly json: boolean;
  readonly errors: readonly string[];
  /** Without the words that belong to the question. */
  readonly rest: readonly string[];
}

/** `status`, `servers`, `upgrade`, `give-way`, and `why NAME [--format text|json]`: an option of its own, as keepalived's names may be shortened. */
function questionOf(argv: readonly string[]): Question {
  const [first, ...words] = argv;
  const plain = { json: false, errors: [] };
  if (first === "status" || first === "servers" || first === "upgrade" || first === "give-way")
    return { ...plain, action: { do: first }, rest: words };
  if (first !== "why") return { ...plain, action: undefined, rest: argv };
  const action: Action = { do: "why", instance: "" };
  const end = words.indexOf("--");
  const at = words.findIndex(
    (word, i) => (end < 0 || i < end) && (word === "--format" || word.startsWith("--format=")),
  );
  if (at < 0) return { ...plain, action, rest: words };
  const attached = words[at]?.split("=", 2)[1];
  const format = attached ?? words[at + 1];
  const known = format === "json" || format === "text";
  const errors = known ? [] : [`why: unknown format '${format ?? ""}' - use text or json`];
  const rest = words.toSpliced(at, attached === undefined ? 2 : 1);
  return { json: format === "json", errors, action, rest };
}

const NO_NAME = "why: no instance or server is named - write: holdfast why NAME [--format text|json]";

/** The words that are no options name what is asked about, wherever they stand, and `FWM 7` needs no quotes. */
function named(action: Action, name: string): { readonly action: Action; readonly errors: readonly string[] } {
  if (action.do !== "why") return { action, errors: [] };
  return { action: { do: "why", instance: name }, errors: name === "" ? [NO_NAME] : [] };
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
  "servers",
  "why",
  "upgrade",
  "give-way",
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

  readonly #takesName: boolean;

  /** @param takesName words that are no options name something */
  constructor(words: readonly string[], takesName: boolean) {
    this.#words = [...words];
    this.#takesName = takesName;
  }

  /** Those that are no options. */
  get words(): string {
    return this.#unexpected.join(" ");
  }

  run(): Reader {
    for (let word = this.#words.shift(); word !== undefined && !this.#ended(); word = this.#words.shift()) {
      if (word === "--") this.#unexpected.push(...this.#words.splice(0));
      else if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#bundle(word.slice(1));
      else this.#unexpected.push(word);
    }
    if (this.#unexpected.length > 0 && !this.#takesName) this.warnings.push(`Unexpected argument(s): ${this.words}`);
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

type PidFileOptions = Pick<Options, "pidFile"> & Partial<Pick<Options, "namespace">>;

/** -p, or keepalived's own place for it as far as the command line tells it (pid-files.ts). */
export const mainPidFile = ({ pidFile, namespace }: PidFileOptions): string =>
  pidFile ?? usualPidFile({ netNamespace: namespace, instanceName: undefined, usePidDir: namespace !== undefined });

export interface OwnPidFile {
  /** Absolute: the launcher, which is asked for it again and again, is in another directory by then. */
  readonly path: string;
  /** That names it. */
  readonly option: string;
}

/** Those that this daemon claims; the first is that by which others see that it runs. */
export function ownPidFiles({
  daemons,
  pidFile,
  vrrpPidFile,
  checkersPidFile,
}: Options): [OwnPidFile, ...OwnPidFile[]] {
  const files: [OwnPidFile, ...OwnPidFile[]] = [{ path: resolve(mainPidFile({ pidFile })), option: "--pid" }];
  if (daemons.vrrp && vrrpPidFile !== undefined) files.push({ path: resolve(vrrpPidFile), option: "--vrrp_pid" });
  if (daemons.checker && checkersPidFile !== undefined)
    files.push({ path: resolve(checkersPidFile), option: "--checkers_pid" });
  return files;
}

/** Beside the pid file and named after it, so that daemons with their own pid files do not meet. */
export function controlSocketPath(options: PidFileOptions & Pick<Options, "controlSocket">): string {
  if (options.controlSocket !== undefined) return options.controlSocket;
  const pidFile = mainPidFile(options);
  return join(dirname(pidFile), `${parse(pidFile).name}.sock`);
}

/** A word by which a daemon is told from others on its host: two of them have pid files of their own. */
export const daemonId = (options: PidFileOptions): string =>
  createHash("sha256")
    .update(resolve(mainPidFile(options)))
    .digest("hex")
    .slice(0, 8);

/** Beside the pid file: the copy of the configuration in force (main/config/accepted.ts). */
export const acceptedConfigPath = (options: PidFileOptions): string => `${mainPidFile(options)}.config`;

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
