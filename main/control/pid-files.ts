import { join } from "node:path";
import type { ProcessConfig } from "../config/model-global.js";

type Naming = Pick<ProcessConfig, "netNamespace" | "instanceName" | "usePidDir">;

/** keepalived's directories: its own one when there may be several daemons, and in it one for each network namespace. */
const RUN = "/run";
const OWN = "keepalived";

/** Where keepalived puts the main pid file: `/run/keepalived/NETNS/keepalived_INSTANCE.pid`. */
export function usualPidFile({ netNamespace, instanceName, usePidDir }: Naming): string {
  const own = usePidDir || instanceName !== undefined || netNamespace !== undefined;
  const directory = own ? join(RUN, OWN, netNamespace ?? "") : RUN;
  const name = instanceName === undefined ? OWN : `${OWN}_${instanceName}`;
  return join(directory, `${name}.pid`);
}
