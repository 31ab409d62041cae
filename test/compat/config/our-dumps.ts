import type { Config } from "../../../main/config/model.js";
import { planLinks } from "../../../main/network/virtual-link-plan.js";
import type { VrrpDump, VrrpInstanceLive } from "../../../main/observe/vrrp-dump.js";
import { ms } from "../../../main/units.js";
import { noStats } from "../../harness/vrrp-stats.js";

/** The configuration as dumps show it, of a daemon that has just started on a bare host. What lives is not compared. */
export function vrrpDumpOf(config: Config): VrrpDump {
  const { vrrpInstances } = planLinks(config, { link: () => undefined, on: () => [], isOurs: () => false }).config;
  return {
    instances: vrrpInstances.map((instance) => ({
      config: instance,
      live: {
        ...justStarted,
        effectivePriority: instance.basePriority,
        masterAdvertInterval: instance.advertInterval,
        virtualDevice: instance.virtualInterface.own?.name,
      },
    })),
    scripts: config.vrrpScripts.map((config) => ({ config, status: "init", run: "idle", result: 0 })),
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
