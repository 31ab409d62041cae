import type { Milliseconds } from "../../units.js";
import { optional } from "../args.js";
import { type Keyword, keywordsFor } from "../keyword.js";
import { badValue, wholeSeconds, word } from "./global-args.js";
import { type GlobalDraft, globalScope, newGlobalDraft } from "./global-defs.js";

/** What belongs to the process as a whole: `global_defs`, and the settings that stand outside any block. */
export interface ProcessDraft {
  readonly global: GlobalDraft;
  readonly process: RootDraft;
}

/** Settings outside any block; undefined where the file says nothing. */
export interface RootDraft {
  netNamespace?: string;
  /** Null: the default namespace. */
  ipvsNamespace?: string | null;
  namespaceWithIpsets?: boolean;
  instanceName?: string;
  usePidDir?: boolean;
  childWaitTime?: Milliseconds;
  linkbeatUsePolling?: boolean;
}

export const newProcessDraft = (): ProcessDraft => ({ global: newGlobalDraft(), process: {} });

const keyword = keywordsFor<ProcessDraft>();

export const processKeywords: Readonly<Record<string, Keyword<ProcessDraft>>> = {
  global_defs: keyword.block({
    shape: "",
    body: globalScope,
    open: (draft, [surplus], { diagnostics }) => {
      if (surplus !== undefined) {
        const message = `Block global_defs has extra parameters ${surplus.text}`;
        diagnostics.error("CFG_BRACE", surplus.at, message, "write: global_defs {");
      }
      return draft.global;
    },
    doc: "Settings of the whole daemon; may stand anywhere and several times.",
  }),
  net_namespace: keyword.value({
    args: [word("<name>")],
    apply: ({ process }, [name]) => {
      process.netNamespace = name;
    },
    missing: "net_namespace name missing - ignoring",
    repeat: "first-wins-reported",
    default: "the one in which the daemon is started",
    doc: "Network namespace in which the daemon works, as `ip netns` names it; not changed by a reload.",
  }),
  net_namespace_ipvs: keyword.value({
    args: [optional(word("<name>"), undefined)],
    apply: ({ process }, [name]) => {
      process.ipvsNamespace = name ?? null;
    },
    repeat: "first-wins-reported",
    default: "that of the daemon; without a name the default one",
    since: "2.1.0",
    doc: "Network namespace whose IPVS table is written; not changed by a reload.",
  }),
  namespace_with_ipsets: keyword.value({
    args: [],
    apply: ({ process }) => {
      process.namespaceWithIpsets = true;
    },
    default: "off",
    doc: "No effect: there are no ipsets, the packet filter is nftables.",
  }),
  use_pid_dir: keyword.value({
    args: [],
    apply: ({ process }) => {
      process.usePidDir = true;
    },
    default: "off; on with instance or net_namespace",
    doc: "Pid files are in /run/keepalived.",
  }),
  instance: keyword.value({
    args: [word("<name>")],
    apply: ({ process }, [name], context) => {
      // Its pid files would be in a folder that nobody made.
      if (name.includes("/")) badValue(context, undefined, `'${name}' has a / - ignoring`, "write a name without /");
      else process.instanceName = name;
    },
    missing: "instance name missing - ignoring",
    repeat: "first-wins-reported",
    default: "none",
    doc: "Name of this daemon among several on one host, for its pid files; not changed by a reload.",
  }),
  child_wait_time: keyword.value({
    args: [wholeSeconds(0, 0xffff_ffff)],
    apply: ({ process }, [time]) => {
      process.childWaitTime = time;
    },
    default: "as long as it takes",
    doc: "How long a stop may take; what is not taken away by then stays.",
  }),
  linkbeat_use_polling: keyword.value({
    args: [],
    apply: ({ process }) => {
      process.linkbeatUsePolling = true;
    },
    default: "off",
    doc: "Asks the interfaces of all instances for their link again and again, instead of waiting to be told.",
  }),
};
