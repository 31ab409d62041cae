import { ms } from "../../units.js";
import type { GarpDraft } from "../keywords/garp.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import { MCAST_GROUP6, NO_GARP_EXTRA_IF } from "../keywords/global-vrrp.js";
import type { GarpConfig } from "../model.js";
import type { AlertDefaults, InstanceDefaults } from "../model-global.js";

/** What other blocks inherit from `global_defs`, as it holds there. */

export const alertDefaults = (draft: GlobalDraft): AlertDefaults => ({
  vrrp: draft.smtpAlertVrrp ?? draft.smtpAlert ?? false,
  checker: draft.smtpAlertChecker ?? draft.smtpAlert,
  faults: draft.noEmailFaults !== true,
  checkerChanges: draft.noCheckerEmails !== true,
});

export const instanceDefaults = (draft: GlobalDraft): InstanceDefaults => ({
  lowerPrioNoAdvert: draft.lowerPrioNoAdvert,
  higherPrioSendAdvert: draft.higherPrioSendAdvert ?? false,
  ownerIgnoreAdverts: draft.ownerIgnoreAdverts ?? false,
  downTimerAdverts: draft.downTimerAdverts ?? 3,
  garp: garpDefaults(draft),
  garpExtraIf: draft.garpExtraIf ?? NO_GARP_EXTRA_IF,
  mcastGroup6: draft.mcastGroup6 ?? MCAST_GROUP6,
  checkUnicastSource: draft.checkUnicastSource ?? false,
  v3ChecksumAsV2: draft.v3ChecksumAsV2 ?? false,
  notifyPriorityChanges: draft.notifyPriorityChanges ?? false,
  logUnknownVrids: draft.logUnknownVrids ?? false,
  dynamicInterfaces: dynamicInterfaces(draft),
  defaultInterface: draft.defaultInterface ?? "eth0",
  disableLocalIgmp: draft.disableLocalIgmp ?? false,
  vmacPrefix: draft.vmacPrefix ?? "vrrp",
  vmacAddrPrefix: draft.vmacAddrPrefix ?? draft.vmacPrefix ?? "vrrp",
  checkerLogAllFailures: draft.checkerLogAllFailures ?? false,
});

function garpDefaults(draft: GarpDraft): GarpConfig {
  const { masterRepeat = 5, masterDelay = ms(5000) } = draft;
  return {
    masterRepeat,
    masterDelay,
    masterRefresh: draft.masterRefresh ?? ms(0),
    masterRefreshRepeat: draft.masterRefreshRepeat ?? 1,
    lowerPrioRepeat: draft.lowerPrioRepeat ?? masterRepeat,
    lowerPrioDelay: draft.lowerPrioDelay ?? masterDelay,
  };
}

function dynamicInterfaces(draft: GlobalDraft): InstanceDefaults["dynamicInterfaces"] {
  if (draft.dynamicInterfaces !== true) return "off";
  return draft.allowIfChanges === true ? "allow_if_changes" : "on";
}
