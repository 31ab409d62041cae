import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import { firstName, onlyName } from "./block-name.js";
import {
  newSyncGroupDraft,
  type SyncGroupDraft,
  syncGroupScope,
  type TrackGroupDraft,
  trackGroupScope,
} from "./vrrp-groups.js";
import { type HostDraft, hostBlocks, newHostDraft } from "./vrrp-host.js";
import { vrrpInstanceScope } from "./vrrp-instance.js";
import { type DeclaredBefore, newVrrpInstanceDraft, type VrrpInstanceDraft } from "./vrrp-instance-draft.js";
import { type VrrpScriptDraft, vrrpScriptScope } from "./vrrp-script.js";
import { type TrackFileDraft, type TrackProcessDraft, trackFileScope, trackProcessScope } from "./vrrp-trackers.js";

/** What the blocks of the VRRP side said. */
export interface VrrpDraft extends HostDraft {
  readonly vrrpScripts: VrrpScriptDraft[];
  readonly vrrpInstances: VrrpInstanceDraft[];
  readonly syncGroups: SyncGroupDraft[];
  readonly trackFiles: TrackFileDraft[];
  readonly trackProcesses: TrackProcessDraft[];
  /** Names of blocks that must not be repeated. */
  readonly taken: Readonly<Record<"instance" | "syncGroup" | "trackGroup", Set<string>>>;
  /** Filled by the LVS side's table: BFD sessions that instances may track. */
  readonly bfdInstances?: readonly BfdDraft[];
}

/** What trackers need of a `bfd_instance`. */
export interface BfdDraft {
  readonly name: string;
  readonly weight?: number;
  readonly reverse?: boolean;
  /** Without it, or spoiled, the session is left out. */
  readonly neighborIp?: string;
  readonly spoiled?: boolean;
}

export const newVrrpDraft = (): VrrpDraft => ({
  vrrpScripts: [],
  vrrpInstances: [],
  syncGroups: [],
  trackFiles: [],
  trackProcesses: [],
  taken: { instance: new Set(), syncGroup: new Set(), trackGroup: new Set() },
  ...newHostDraft(),
});

const keyword = keywordsFor<VrrpDraft>();

const declaredIn = ({ vrrpScripts, trackFiles, trackProcesses, bfdInstances }: VrrpDraft): DeclaredBefore => ({
  scripts: vrrpScripts.length,
  files: trackFiles.length,
  processes: trackProcesses.length,
  bfds: bfdInstances?.length ?? 0,
});

/** A name that no earlier block of the kind has; undefined after reporting. */
function newName(what: string, taken: Set<string>, header: readonly Word[], context: Context): string | undefined {
  const name = onlyName(header, context);
  if (name === undefined) return undefined;
  if (!taken.has(name)) {
    taken.add(name);
    return name;
  }
  const message = `${what} ${name} already defined`;
  context.diagnostics.error("CFG_DUPLICATE", context.at, message, "give each its own name; this one is left out");
  return undefined;
}

const trackFile = keyword.block({
  shape: "<name>",
  body: trackFileScope,
  open: (draft, header, context): TrackFileDraft | undefined => {
    const name = firstName(header, context);
    if (name === undefined) return undefined;
    const file: TrackFileDraft = { name, at: context.at };
    draft.trackFiles.push(file);
    return file;
  },
  doc: "A file whose number changes priorities or weights.",
});

export const vrrpBlocks: Readonly<Record<string, Keyword<VrrpDraft>>> = {
  vrrp_script: keyword.block({
    shape: "<name>",
    body: vrrpScriptScope,
    open: (draft, header, context): VrrpScriptDraft | undefined => {
      const name = firstName(header, context);
      if (name === undefined) return undefined;
      const script: VrrpScriptDraft = { name, at: context.at };
      draft.vrrpScripts.push(script);
      return script;
    },
    doc: "A command run periodically whose result changes priorities.",
  }),
  track_file: { ...trackFile, since: "2.1.0" },
  vrrp_track_file: { ...trackFile, aliasOf: "track_file", deprecated: { instead: "track_file", silent: true } },
  vrrp_track_process: keyword.block({
    shape: "<name>",
    body: trackProcessScope,
    open: (draft, header, context): TrackProcessDraft | undefined => {
      const name = firstName(header, context);
      if (name === undefined) return undefined;
      const track: TrackProcessDraft = { name, at: context.at };
      draft.trackProcesses.push(track);
      return track;
    },
    since: "2.0.11",
    doc: "A process whose presence changes priorities.",
  }),
  track_group: keyword.block({
    shape: "<name>",
    body: trackGroupScope,
    open: (draft, header, context): TrackGroupDraft | undefined => {
      const name = newName("track_group", draft.taken.trackGroup, header, context);
      if (name === undefined) return undefined;
      const group: TrackGroupDraft = { name, at: context.at };
      draft.trackGroups.push(group);
      return group;
    },
    since: "2.0.3",
    doc: "Instances that give way for a moment when somebody deletes a static entry of the group.",
  }),
  ...hostBlocks,
  vrrp_sync_group: keyword.block({
    shape: "<name>",
    body: syncGroupScope,
    open: (draft, header, context): SyncGroupDraft | undefined => {
      const name = newName("vrrp sync group", draft.taken.syncGroup, header, context);
      if (name === undefined) return undefined;
      const group = newSyncGroupDraft(name, context.at, declaredIn(draft));
      draft.syncGroups.push(group);
      return group;
    },
    doc: "Instances that change state together.",
  }),
  vrrp_instance: keyword.block({
    shape: "<name>",
    body: vrrpInstanceScope,
    open: (draft, header, context): VrrpInstanceDraft | undefined => {
      const name = newName("vrrp instance", draft.taken.instance, header, context);
      if (name === undefined) return undefined;
      const instance = newVrrpInstanceDraft(name, context.at, declaredIn(draft));
      draft.vrrpInstances.push(instance);
      return instance;
    },
    doc: "One virtual router.",
  }),
};
