import type { Scope } from "../keyword.js";
import { type LvsDraft, lvsBlocks, newLvsDraft } from "./lvs-blocks.js";
import { newProcessDraft, type ProcessDraft, processKeywords } from "./process.js";
import { newVrrpDraft, type VrrpDraft, vrrpBlocks } from "./vrrp-blocks.js";

/** A whole file as it was read, before inheritance, defaults and cross checks. */
export interface ConfigDraft extends ProcessDraft, VrrpDraft, LvsDraft {
  readonly bfdInstances: LvsDraft["bfdInstances"];
}

export const newConfigDraft = (): ConfigDraft => ({ ...newProcessDraft(), ...newVrrpDraft(), ...newLvsDraft() });

/** Where every other scope hangs: walked by everything that reads the tables. */
export const rootScope: Scope<ConfigDraft> = {
  name: "the file",
  keywords: { ...processKeywords, ...vrrpBlocks, ...lvsBlocks },
};
