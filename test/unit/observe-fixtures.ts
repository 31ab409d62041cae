import type { GlobalConfig, VrrpInstanceConfig, VrrpScriptConfig } from "../../main/config/model.js";
import type { VrrpInstanceLive } from "../../main/observe/vrrp-dump.js";
import { ms, priority, vrid } from "../../main/units.js";

/** One VRRP instance as keepalived 2.2.7 ran it when the expected texts of dump.test.ts were taken from it. */

export const at = { file: "keepalived.conf", line: 1, column: 1 };
const root = { name: "root", uid: 0, gid: 0 };
export const address = { prefix: 32, dev: undefined, label: undefined, broadcast: undefined, scope: 0 };

export const global: GlobalConfig = {
  routerId: "TEST",
  mail: undefined,
  vrrpVersion: 2,
  vrrpStrict: false,
  vrrpSkipCheckAdvAddr: false,
  vrrpMcastGroup4: "224.0.0.18",
  vrrpGarpInterval: ms(0),
  vrrpGnaInterval: ms(1.5),
  vrrpIptables: undefined,
  enableScriptSecurity: true,
  lvsReconcile: "presence",
};

export const script: VrrpScriptConfig = {
  name: "chk",
  command: { argv: ["/usr/bin/true"], user: root },
  interval: ms(2000),
  timeout: ms(2000),
  weight: 2,
  reverse: false,
  rise: 1,
  fall: 1,
  initFail: false,
};

export const instance: VrrpInstanceConfig = {
  name: "VI_1",
  at,
  version: 2,
  family: "inet",
  initialState: "MASTER",
  interface: "v0",
  vrid: vrid(51),
  basePriority: priority(150),
  advertInterval: ms(1000),
  authPass: "secret",
  virtualAddresses: [
    { ...address, address: "10.9.0.1", prefix: 24, dev: "v0", label: "v0:1" },
    { ...address, address: "10.9.0.2" },
    { ...address, address: "10.9.0.3", prefix: 24, broadcast: "10.9.0.255", scope: 253 },
  ],
  excludedAddresses: [{ ...address, address: "fd00::1", prefix: 64, dev: "v0" }],
  trackInterfaces: [{ name: "v0", weight: 5, reverse: false }],
  trackScripts: [{ name: "chk", weight: 2, reverse: false }],
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
  notify: {
    all: { argv: ["/usr/bin/true"], user: root },
    master: { argv: ["/usr/bin/echo", "a", "b"], user: root },
    backup: undefined,
    fault: undefined,
    stop: undefined,
  },
  smtpAlert: false,
};

export const live: VrrpInstanceLive = {
  state: "MASTER",
  wantState: "MASTER",
  effectivePriority: priority(152),
  masterPriority: 0,
  masterAdvertInterval: ms(1000),
  masterDownInterval: ms(3406.25),
  lastTransition: 1795368758795.177,
  sourceAddress: "10.9.0.100",
  vipsSet: true,
  virtualSet: [true, true, false],
  excludedSet: [true],
  faults: 0,
  stats: {
    advertRcvd: 0,
    advertSent: 3,
    becomeMaster: 1,
    releaseMaster: 0,
    packetLenErr: 0,
    advertIntervalErr: 0,
    ipTtlErr: 0,
    invalidTypeRcvd: 0,
    addrListErr: 0,
    invalidAuthtype: 0,
    authtypeMismatch: 0,
    authFailure: 0,
    priZeroRcvd: 0,
    priZeroSent: 0,
  },
};
