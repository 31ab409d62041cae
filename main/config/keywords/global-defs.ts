import type { Scope } from "../keyword.js";
import { type GlobalGarpDraft, globalGarpKeywords } from "./garp.js";
import { type BuffersDraft, globalBufferKeywords, newBuffersDraft } from "./global-buffers.js";
import { type FilesDraft, globalFileKeywords } from "./global-files.js";
import { type FilterDraft, globalFilterKeywords } from "./global-filter.js";
import { globalLvsKeywords, type LvsGlobalDraft } from "./global-lvs.js";
import { globalMailKeywords, type MailDraft } from "./global-mail.js";
import { globalObserveKeywords, type ObserveDraft } from "./global-observe.js";
import { globalProcessKeywords, type ProcessesDraft } from "./global-process.js";
import { globalScriptKeywords, type ScriptsDraft } from "./global-scripts.js";
import { globalVrrpKeywords, type VrrpGlobalDraft } from "./global-vrrp.js";

/** What `global_defs` said; undefined where it said nothing. Several blocks fill one draft. */
export interface GlobalDraft
  extends MailDraft,
    VrrpGlobalDraft,
    GlobalGarpDraft,
    FilterDraft,
    LvsGlobalDraft,
    ProcessesDraft,
    BuffersDraft,
    ScriptsDraft,
    ObserveDraft,
    FilesDraft {}

export const newGlobalDraft = (): GlobalDraft => ({
  notificationEmail: [],
  lvsTimeouts: {},
  children: { vrrp: {}, checker: {}, bfd: {} },
  buffers: newBuffersDraft(),
  earlierScriptUsers: [],
  tooEarly: [],
  fifos: { all: {}, vrrp: {}, lvs: {} },
});

export const globalScope: Scope<GlobalDraft> = {
  name: "global_defs",
  keywords: {
    ...globalMailKeywords,
    ...globalVrrpKeywords,
    ...globalGarpKeywords,
    ...globalFilterKeywords,
    ...globalLvsKeywords,
    ...globalProcessKeywords,
    ...globalBufferKeywords,
    ...globalScriptKeywords,
    ...globalObserveKeywords,
    ...globalFileKeywords,
  },
};
