import assert from "node:assert/strict";
import { loadConfig } from "../../main/config/load.js";
import type {
  Config,
  GlobalConfig,
  VirtualAddress,
  VrrpInstanceConfig,
  VrrpScriptConfig,
} from "../../main/config/model.js";
import type { SyncGroupConfig } from "../../main/config/model-vrrp.js";
import { noExtras, noVirtualInterface, plainAddress, plainUnicast, plainWire } from "../../main/config/model-vrrp.js";
import type { ConfigHost } from "../../main/config/ports.js";
import { ms, priority, vrid } from "../../main/units.js";

/** Validated configurations with keepalived's defaults; each test names only what it is about. */

export const at = { file: "test.conf", line: 1, column: 1 };

/** Reads a configuration on a host where every interface exists. */
export function loadText(text: string): Config {
  const host: ConfigHost = {
    configId: "lb1",
    effectiveUid: 0,
    hostName: "lb1",
    workingDirectory: "/",
    readFile: (path) =>
      path === "/test.conf" ? { kind: "content", bytes: Buffer.from(text) } : { kind: "unreadable", why: "ENOENT" },
    stat: () => ({ kind: "file", uid: 0, gid: 0, mode: 0o600 }),
    realpath: (path) => path,
    list: () => [],
    user: (name) => (name === "root" ? { name, uid: 0, gid: 0 } : undefined),
    userName: () => "root",
    group: () => undefined,
    interfaceExists: () => true,
    environment: () => undefined,
  };
  const { config } = loadConfig("/test.conf", host);
  assert(config !== undefined, "the configuration can be read");
  return config;
}

/** What an empty file means, so that a new setting needs no change here. */
const defaults = loadText("");

export const emptyConfig = (changes: Partial<Config> = {}): Config => ({ ...defaults, ...changes });

export const globalConfig = (changes: Partial<GlobalConfig> = {}): GlobalConfig => ({ ...defaults.global, ...changes });

export const virtualAddress = (address: string, changes: Partial<VirtualAddress> = {}): VirtualAddress => ({
  address,
  prefix: 32,
  dev: undefined,
  label: undefined,
  broadcast: undefined,
  scope: 0,
  more: plainAddress,
  ...changes,
});

/** A sync group that tracks nothing and tells nobody. */
export const syncGroup = (name: string, members: readonly string[], more: Partial<SyncGroupConfig> = {}) =>
  ({
    name,
    at,
    members,
    trackInterfaces: [],
    trackScripts: [],
    track: { files: [], processes: [], bfds: [] },
    trackingWeight: false,
    notify: { all: undefined, master: undefined, backup: undefined, fault: undefined, stop: undefined },
    smtpAlert: false,
    notifyPriorityChanges: undefined,
    ...more,
  }) satisfies SyncGroupConfig;

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
  wire: plainWire,
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
  virtualInterface: noVirtualInterface,
  unicast: plainUnicast,
  track: { files: [], processes: [], bfds: [] },
  routes: [],
  rules: [],
  extras: noExtras,
  ...changes,
});

/** A script that fails and recovers at once, and whose failure is a fault. */
export const checkScript: VrrpScriptConfig = {
  name: "chk",
  command: { argv: ["/chk"], user: { name: "root", uid: 0, gid: 0 } },
  interval: ms(1000),
  timeout: ms(1000),
  weight: 0,
  reverse: false,
  rise: 1,
  fall: 1,
  initFail: false,
};
