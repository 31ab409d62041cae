import type { GlobalConfig, VirtualAddress, VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, priority, vrid } from "../../main/units.js";

/** Validated configurations with keepalived's defaults; each test names only what it is about. */

export const at = { file: "test.conf", line: 1, column: 1 };

export const globalConfig = (changes: Partial<GlobalConfig> = {}): GlobalConfig => ({
  routerId: "lb1",
  mail: undefined,
  vrrpVersion: 2,
  vrrpStrict: false,
  vrrpSkipCheckAdvAddr: false,
  vrrpMcastGroup4: "224.0.0.18",
  vrrpGarpInterval: ms(0),
  vrrpGnaInterval: ms(0),
  vrrpIptables: undefined,
  enableScriptSecurity: false,
  lvsReconcile: "presence",
  ...changes,
});

export const virtualAddress = (address: string, changes: Partial<VirtualAddress> = {}): VirtualAddress => ({
  address,
  prefix: 32,
  dev: undefined,
  label: undefined,
  broadcast: undefined,
  scope: 0,
  ...changes,
});

/** A v2 multicast instance without addresses. */
export const instanceConfig = (changes: Partial<VrrpInstanceConfig> = {}): VrrpInstanceConfig => ({
  name: "V",
  at,
  version: 2,
  family: "inet",
  initialState: "BACKUP",
  interface: "eth0",
  vrid: vrid(51),
  basePriority: priority(100),
  advertInterval: ms(1000),
  authPass: undefined,
  virtualAddresses: [],
  excludedAddresses: [],
  trackInterfaces: [],
  trackScripts: [],
  dontTrackPrimary: false,
  sourceAddress: undefined,
  unicastPeers: [],
  preempt: true,
  preemptDelay: ms(0),
  downTimerAdverts: 3,
  strict: false,
  accept: true,
  skipCheckAdvAddr: false,
  lowerPrioNoAdvert: false,
  higherPrioSendAdvert: false,
  ownerIgnoreAdverts: false,
  garp: {
    masterRepeat: 5,
    masterDelay: ms(5000),
    masterRefresh: ms(0),
    masterRefreshRepeat: 1,
    lowerPrioRepeat: 5,
    lowerPrioDelay: ms(5000),
  },
  notify: { all: undefined, master: undefined, backup: undefined, fault: undefined, stop: undefined },
  smtpAlert: false,
  ...changes,
});
