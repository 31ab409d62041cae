import type { Config } from "../../../main/config/model.js";
import type { VrrpDump, VrrpInstanceLive } from "../../../main/observe/vrrp-dump.js";
import { ms } from "../../../main/units.js";
import { noStats } from "../../harness/vrrp-stats.js";

/** The configuration as dumps show it, of a daemon that has just started. What lives is not compared. */
export function vrrpDumpOf({ vrrpInstances, vrrpScripts }: Config): VrrpDump {
  return {
    instances: vrrpInstances.map((config) => ({
      config,
      live: { ...justStarted, effectivePriority: config.basePriority, masterAdvertInterval: config.advertInterval },
    })),
    scripts: vrrpScripts.map((config) => ({ config, status: "init", run: "idle", result: 0 })),
  };
}

const justStarted: Omit<VrrpInstanceLive, "effectivePriority" | "masterAdvertInterval"> = {
  state: "BACKUP",
  wantState: "BACKUP",
  masterPriority: 0,
  masterDownInterval: ms(0),
  lastTransition: 0,
  sourceAddress: undefined,
  vipsSet: false,
  virtualSet: [],
  excludedSet: [],
  faults: 0,
  stats: noStats,
};
