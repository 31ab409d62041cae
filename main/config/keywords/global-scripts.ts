import type { Milliseconds } from "../../units.js";
import { optional, seconds, switchArg } from "../args.js";
import { type Keyword, keywordsFor, type ScriptLine, type WordsKeyword } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { word } from "./global-args.js";

/** Who runs scripts, scripts of the process itself, and the pipes on which changes are told. */
export interface ScriptsDraft {
  scriptUser?: ScriptUserDraft;
  /** Replaced by a later line, but to be right all the same. */
  readonly earlierScriptUsers: ScriptUserDraft[];
  /** Lines that needed a default user under script security before any was named. */
  readonly tooEarly: { readonly keyword: string; readonly at: SourcePosition }[];
  enableScriptSecurity?: boolean;
  useSymlinkPaths?: boolean;
  supplementaryGroups?: boolean;
  startupScript?: EarlyScript;
  startupTimeout?: Milliseconds;
  shutdownScript?: EarlyScript;
  shutdownTimeout?: Milliseconds;
  readonly fifos: Record<FifoKind, FifoDraft>;
  notifyPriorityChanges?: boolean;
  statesOnReload?: boolean;
}

export interface ScriptUserDraft {
  readonly user: string;
  readonly group: string | undefined;
  readonly at: SourcePosition;
}

export type FifoKind = "all" | "vrrp" | "lvs";

export interface FifoDraft {
  path?: string;
  owner?: ScriptUserDraft;
  script?: EarlyScript;
}

/** keepalived takes the default user when it reads the line: script security counts only when it stands above. */
export interface EarlyScript extends ScriptLine {
  readonly beforeSecurity: boolean;
}

function early(draft: ScriptsDraft, line: ScriptLine): EarlyScript {
  noteDefaultUser(draft, line.user, line);
  return { ...line, beforeSecurity: draft.enableScriptSecurity !== true };
}

function noteDefaultUser(
  draft: ScriptsDraft,
  user: string | undefined,
  { keyword: name, at }: { readonly keyword: string; readonly at: SourcePosition },
): void {
  const needed = user === undefined && draft.enableScriptSecurity === true && draft.scriptUser === undefined;
  if (needed) draft.tooEarly.push({ keyword: name, at });
}

const keyword = keywordsFor<ScriptsDraft>();

const fifo = (kind: FifoKind, doc: string): WordsKeyword<ScriptsDraft> =>
  keyword.words({
    shape: "<path> [<user> [<group>]]",
    apply: (draft, [path, user, group], { keyword: name, at, diagnostics }) => {
      if (path === undefined) {
        diagnostics.error("CFG_BAD_VALUE", at, `No ${name} name specified`, `write: ${name} <path> [<user> [<group>]]`);
        return;
      }
      draft.fifos[kind].path = path.text;
      noteDefaultUser(draft, user?.text, { keyword: name, at });
      if (user !== undefined) draft.fifos[kind].owner = { user: user.text, group: group?.text, at: user.at };
    },
    repeat: "first-wins-reported",
    default: "none",
    doc,
  });

const fifoScript = (kind: FifoKind, pipe: string) =>
  keyword.script({
    apply: (draft, script) => {
      draft.fifos[kind].script = early(draft, script);
    },
    missing: `No ${pipe}_script specified`,
    default: "none",
    doc: `Started to read ${pipe}, whose path is its last argument.`,
  });

const seconds1000 = seconds(1, 1000, 0);

export const globalScriptKeywords: Readonly<Record<string, Keyword<ScriptsDraft>>> = {
  script_user: keyword.value({
    args: [word("<user>"), optional(word("<group>"), undefined)],
    apply: (draft, [user, group], { at }) => {
      if (draft.scriptUser !== undefined) draft.earlierScriptUsers.push(draft.scriptUser);
      draft.scriptUser = { user, group, at };
    },
    missing: "No script username specified",
    default: "keepalived_script when there is such a user, else the daemon's",
    doc: "User (and group) that scripts run as unless they say otherwise.",
  }),
  enable_script_security: keyword.flag("enableScriptSecurity", {
    default: "off",
    doc: "A script that another user than root could change is not run as root.",
  }),
  use_symlink_paths: keyword.field("useSymlinkPaths", switchArg, {
    default: "off",
    since: "2.3.0",
    doc: "A script is run by the path that is written, not by the one its symbolic links lead to.",
  }),
  set_supplementary_groups: keyword.field("supplementaryGroups", switchArg, {
    default: "off",
    since: "after 2.4.3",
    doc: "Scripts also get the other groups of their user.",
  }),
  startup_script: keyword.script({
    apply: (draft, script) => {
      draft.startupScript = early(draft, script);
    },
    missing: "startup script missing",
    default: "none",
    since: "2.1.0",
    doc: "Run once, before anything else starts.",
  }),
  startup_script_timeout: keyword.field("startupTimeout", seconds1000, {
    missing: "startup_script_timeout requires value",
    default: "10",
    since: "2.1.0",
    doc: "After this time the startup script is ended.",
  }),
  shutdown_script: keyword.script({
    apply: (draft, script) => {
      draft.shutdownScript = early(draft, script);
    },
    missing: "shutdown script missing",
    default: "none",
    since: "2.1.0",
    doc: "Run once, after everything has stopped.",
  }),
  shutdown_script_timeout: keyword.field("shutdownTimeout", seconds1000, {
    missing: "shutdown_script_timeout requires value",
    default: "10",
    since: "2.1.0",
    doc: "After this time the shutdown script is ended.",
  }),
  notify_fifo: fifo("all", "Named pipe on which every change of state is told."),
  notify_fifo_script: fifoScript("all", "notify_fifo"),
  vrrp_notify_fifo: fifo("vrrp", "Named pipe on which changes of VRRP instances and groups are told."),
  vrrp_notify_fifo_script: fifoScript("vrrp", "vrrp_notify_fifo"),
  lvs_notify_fifo: fifo("lvs", "Named pipe on which changes of virtual and real servers are told."),
  lvs_notify_fifo_script: fifoScript("lvs", "lvs_notify_fifo"),
  vrrp_notify_priority_changes: keyword.field("notifyPriorityChanges", switchArg, {
    default: "off",
    since: "2.0.16",
    doc: "Default of notify_priority_changes in instances: pipes are also told of changed priorities.",
  }),
  fifo_write_vrrp_states_on_reload: keyword.flag("statesOnReload", {
    default: "off",
    since: "2.2.5",
    doc: "After a reload pipes are told the states of all instances again.",
  }),
};
