import { choice, integer, optional, switchArg } from "../args.js";
import type { IncludeCheck } from "../include-control.js";
import { type Context, contextAt, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { didYouMean } from "../suggest.js";
import { badValue, onePath, plainWords, word } from "./global-args.js";

/** How files are read, when they are read again, and where files are written. */
export interface FilesDraft {
  reloadCheckLog?: string;
  reloadTimeFile?: string;
  reloadRepeat?: boolean;
  reloadFile?: string | true;
  configSaveDir?: { readonly path: string; readonly at: SourcePosition };
  tmpConfigDirectory?: string;
  dataUseInstance?: boolean;
  jsonVersion?: 1 | 2;
  iprouteUsrDir?: string;
  iprouteEtcDir?: string;
  stateDumpFile?: string;
  statsDumpFile?: string;
  jsonDumpFile?: string;
  randomSeed?: number;
}

const keyword = keywordsFor<FilesDraft>();

const includeChecks: Readonly<Record<IncludeCheck, string>> = {
  read: "A file that an include finds must be a readable, regular, non-executable file.",
  match: "A file that an include names must exist.",
  wildcard_match: "An include with wildcards must find a file.",
  brace_match: "Every alternative in the braces of an include must find a file.",
};
const allChecks = Object.keys(includeChecks) as readonly IncludeCheck[];

/** Bare: all. One word sets, words with `+` or `-` add to it and take from it; a second one without a sign is an error. */
function applyIncludeCheck(_: FilesDraft, words: readonly Word[], context: Context): void {
  let checks = new Set<IncludeCheck>(words.length === 0 ? allChecks : context.source.includeChecks());
  let set = false;
  for (const given of words) {
    const sign = /^[+-]/.exec(given.text)?.[0];
    const check = allChecks.find((name) => name === given.text.slice(sign?.length ?? 0));
    const at = contextAt(context, given);
    if (check === undefined) {
      const hint = didYouMean(given.text, allChecks) ?? `write one of: ${allChecks.join(", ")}`;
      badValue(at, given, "is not an include check - ignoring", hint);
    } else if (sign === "+") checks.add(check);
    else if (sign === "-") checks.delete(check);
    else if (set) badValue(at, given, "is a second check without a sign - ignoring", `write: +${check}`);
    else {
      checks = new Set([check]);
      set = true;
    }
  }
  context.source.setIncludeChecks(checks);
}

export const globalFileKeywords: Readonly<Record<string, Keyword<FilesDraft>>> = {
  reload_check_config: keyword.value({
    args: [optional(word("<log file>"), undefined)],
    apply: (draft, [log]) => {
      draft.reloadCheckLog = log ?? "/dev/null";
    },
    default: "a new configuration is always tested before it is used",
    since: "2.2.0",
    doc: "A reload with errors leaves the running configuration alone; the log file gets the findings of each reload.",
  }),
  reload_time_file: onePath<FilesDraft>(
    (draft, path) => {
      draft.reloadTimeFile = path;
    },
    { default: "none", since: "2.1.0", doc: "Holds the time of a future reload: [YYYY-MM-DD ]HH:MM:SS[Z]." },
  ),
  reload_repeat: keyword.flag("reloadRepeat", {
    default: "off",
    since: "2.1.0",
    doc: "Keeps reload_time_file, so that a time without a date is for every day.",
  }),
  reload_file: keyword.value({
    args: [optional(word("<path>"), true as const)],
    apply: (draft, [path]) => {
      draft.reloadFile = path;
    },
    default: "none; without a path keepalived.reload beside the pid file",
    since: "2.2.0",
    doc: "Exists while a reload reads the configuration.",
  }),
  include_check: keyword.words({
    shape: "[<check>] [+<check>|-<check> ...]",
    options: plainWords(includeChecks),
    apply: applyIncludeCheck,
    default: "none; without a word all",
    since: "2.2.0",
    doc: "Which failures of the includes that follow are errors, until the end of this file.",
  }),
  config_save_dir: keyword.value({
    args: [word("<directory>")],
    apply: (draft, [path], { at }) => {
      draft.configSaveDir = { path, at };
    },
    default: "none",
    since: "2.2.3",
    doc: "Takes the state, as SIGUSR1 writes it, before and after each reload.",
  }),
  tmp_config_directory: keyword.field("tmpConfigDirectory", word("<directory>"), {
    missing: "tmp_config_directory missing directory name",
    repeat: "first-wins-reported",
    default: "none",
    since: "2.2.0",
    doc: "No effect: in keepalived the place where its processes share what was read; here there is one process.",
  }),
  data_use_instance: keyword.field("dataUseInstance", switchArg, {
    default: "off",
    since: "2.2.3",
    doc: "Names of dump files contain instance and namespace.",
  }),
  json_version: keyword.value({
    args: [choice("1", "2")],
    apply: (draft, [version]) => {
      draft.jsonVersion = version === "2" ? 2 : 1;
    },
    missing: "json_version missing - ignoring",
    default: "1",
    since: "2.2.8",
    doc: "Form of the JSON dump: a list, or an object.",
  }),
  iproute_usr_dir: onePath<FilesDraft>(
    (draft, path) => {
      draft.iprouteUsrDir = path;
    },
    {
      default: "/usr/share/iproute2",
      since: "2.3.2",
      doc: "The distribution's names of routing tables and so on.",
    },
  ),
  iproute_etc_dir: onePath<FilesDraft>(
    (draft, path) => {
      draft.iprouteEtcDir = path;
    },
    { default: "/etc/iproute2", since: "2.3.2", doc: "The host's names of routing tables and so on." },
  ),
  state_dump_file: onePath<FilesDraft>(
    (draft, path) => {
      draft.stateDumpFile = path;
    },
    {
      default: "keepalived.data",
      since: "2.3.3",
      doc: "Where SIGUSR1 writes; a / at its end: a directory.",
    },
  ),
  stats_dump_file: onePath<FilesDraft>(
    (draft, path) => {
      draft.statsDumpFile = path;
    },
    {
      default: "keepalived.stats",
      since: "2.3.3",
      doc: "No effect, in keepalived neither: SIGUSR2 writes keepalived.stats.",
    },
  ),
  json_dump_file: onePath<FilesDraft>(
    (draft, path) => {
      draft.jsonDumpFile = path;
    },
    {
      default: "keepalived.json",
      since: "2.3.3",
      doc: "No effect, in keepalived neither: the JSON dump is keepalived.json.",
    },
  ),
  random_seed: keyword.field("randomSeed", integer(0, 0xffff_ffff), {
    default: "by the time",
    since: "2.0.15",
    doc: "No effect, in keepalived neither: it was meant to make _RANDOM repeatable.",
  }),
};
