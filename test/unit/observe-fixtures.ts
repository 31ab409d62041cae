import type { VrrpScriptConfig } from "../../main/config/model.js";
import type { VrrpInstanceLive } from "../../main/observe/vrrp-dump.js";
import { ms, priority } from "../../main/units.js";
import { at, globalConfig, instanceConfig, virtualAddress } from "../harness/config-fixtures.js";
import { noStats } from "../harness/vrrp-stats.js";

/** One VRRP instance as keepalived 2.2.7 ran it when the expected texts of dump.test.ts were taken from it. */

const root = { name: "root", uid: 0, gid: 0 };
export const global = globalConfig({ routerId: "TEST", vrrpGnaInterval: ms(1.5), enableScriptSecurity: true });

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

export const instance = instanceConfig({
  name: "VI_1",
  at,
  initialState: "MASTER",
  interface: "v0",
  basePriority: priority(150),
  authPass: "secret",
  virtualAddresses: [
    virtualAddress("10.9.0.1", { prefix: 24, dev: "v0", label: "v0:1" }),
    virtualAddress("10.9.0.2"),
    virtualAddress("10.9.0.3", { prefix: 24, broadcast: "10.9.0.255", scope: 253 }),
  ],
  excludedAddresses: [virtualAddress("fd00::1", { prefix: 64, dev: "v0" })],
  trackInterfaces: [{ name: "v0", weight: 5, reverse: false }],
  trackScripts: [{ name: "chk", weight: 2, reverse: false }],
  notify: {
    all: { argv: ["/usr/bin/true"], user: root },
    master: { argv: ["/usr/bin/echo", "a", "b"], user: root },
    backup: undefined,
    fault: undefined,
    stop: undefined,
  },
});

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
  stats: { ...noStats, advertSent: 3, becomeMaster: 1 },
};
