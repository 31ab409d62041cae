import type { InstanceStatus, StatusDocument, VirtualServerStatus } from "../../main/control/status.js";
import { askStatus } from "../../main/control/status-client.js";
import { ms } from "../../main/units.js";
import type { Daemon } from "../../test/harness/daemon.js";

/** What the viewer sees at one moment. Directors say it about themselves; addresses and table are the kernel's. */
export interface Snapshot {
  readonly directors: readonly DirectorView[];
  /** Of the director that holds the virtual IP, else of the first that runs. */
  readonly servers: readonly VirtualServerStatus[];
  /** Lines of the IPVS table and where they come from. */
  readonly table: { readonly title: string; readonly lines: readonly string[] };
}

export interface DirectorView {
  readonly name: string;
  readonly running: boolean;
  /** The virtual IP, if the kernel has it on the director's device. */
  readonly holds: string | undefined;
  readonly instances: readonly InstanceStatus[];
}

/** @returns undefined while the daemon is starting or gone: that is something to show, not an error */
export async function statusOf(daemon: Daemon | undefined): Promise<StatusDocument | undefined> {
  if (daemon === undefined || !daemon.running) return undefined;
  return askStatus(daemon.files.controlSocket, ms(2000)).catch(() => undefined);
}

/** The table in the daemon's own words, for back ends that the kernel does not show. */
export function tableFromStatus(status: StatusDocument | undefined): Snapshot["table"] {
  const lines = (status?.virtualServers ?? []).flatMap(({ vs, scheduler, realServers }) => [
    `${vs} ${scheduler}`,
    ...realServers.filter(({ state }) => state === "up").map(({ rs, weight }) => `  -> ${rs} weight ${weight}`),
  ]);
  return { title: "IPVS table in memory (nothing is forwarded)", lines };
}
