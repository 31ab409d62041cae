import type { Config } from "../config/model.js";
import { DaemonError } from "../errors.js";
import type { OpenLog } from "../observe/create-log.js";
import { ipvsSocketOptions } from "./ipvs-socket.js";
import { KeepalivedProcesses } from "./keepalived-processes.js";
import { mainPidFile, type Options } from "./options.js";
import { procProcesses } from "./proc-processes.js";
import type { TakeOver } from "./take-over.js";

/** Whether a keepalived runs by our pid file. Before 2.3 it does not lock it, so the file itself is looked at. */
export type KeepalivedBeside =
  | { readonly kind: "none" }
  /** Two would fight for the same addresses. */
  | { readonly kind: "running"; readonly pid: number }
  /** --take-over */
  | { readonly kind: "in-place"; readonly takeOver: (claim: () => Promise<boolean>) => TakeOver };

export interface Beside {
  readonly options: Options;
  readonly config: Config;
  readonly log: OpenLog;
  /** Findings of a configuration that has errors. */
  readonly refused: readonly string[] | undefined;
}

/** @throws DaemonError E_TAKE_OVER when something would be lost: keepalived goes on */
export async function keepalivedBeside({ options, config, log, refused }: Beside): Promise<KeepalivedBeside> {
  const pidFile = mainPidFile(options);
  const keepalived = KeepalivedProcesses.find(pidFile, procProcesses);
  const say = log.log("Keepalived");
  if (keepalived === undefined) {
    if (options.takeOver) say("notice", "take-over.none", `No keepalived runs by ${pidFile}: starting as usual`);
    return { kind: "none" };
  }
  const { pid } = keepalived;
  if (!options.takeOver) {
    say(
      "notice",
      "take-over.possible",
      `keepalived runs (pid ${pid}, ${pidFile}): --take-over takes its place without a failover`,
    );
    return { kind: "running", pid };
  }
  if (refused !== undefined) {
    for (const line of refused) say("error", "config.finding", line);
    const message = `The configuration has errors, so not all that keepalived does would go on - correct it (see the log); keepalived (pid ${pid}) goes on`;
    throw new DaemonError("E_TAKE_OVER", message);
  }
  await lookAtTable(options, config, pid);
  const { TakeOver } = await import("./take-over.js");
  return { kind: "in-place", takeOver: (claim) => new TakeOver({ keepalived, log: say, onEnded: claim }) };
}

/** What cannot be read would be lost. */
async function lookAtTable(options: Options, config: Config, pid: number): Promise<void> {
  if (!options.daemons.checker || config.virtualServers.length === 0 || options.ipvs === "memory") return;
  const { KernelBackend } = await import("../ipvs/kernel-backend.js");
  const backend = new KernelBackend(ipvsSocketOptions(config));
  try {
    await backend.open();
  } catch (cause) {
    if (!(cause instanceof DaemonError)) throw cause;
    throw new DaemonError("E_TAKE_OVER", `${cause.message}; keepalived (pid ${pid}) goes on`, { cause });
  } finally {
    backend.close();
  }
}
