import { checkIdentity } from "../config/identity.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import { DaemonError } from "../errors.js";
import { inSlices } from "../health/slices.js";
import type { IpvsBackend } from "../ipvs/backend.js";
import type { MarkOf } from "../ipvs/group-services.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds } from "../units.js";
import type { HostNetwork } from "../vrrp/ports.js";
import { inheritedInstances } from "./inherited-instances.js";
import { type InheritedTable, inheritTable } from "./inherited-table.js";
import type { KeepalivedProcesses } from "./keepalived-processes.js";
import type { LastingState } from "./lasting-state.js";
import { readTable } from "./read-table.js";

export interface TakeOverDeps {
  readonly keepalived: KeepalivedProcesses;
  readonly log: Log;
  /** Its pid files are free now. @returns false when another daemon was quicker */
  readonly onEnded: () => Promise<boolean>;
}

/** Adverts that keepalived may have signed (auth_type AH) in a second, at most: what its peers heard last must be exceeded. */
const AH_PER_SECOND = 200;
/** A host that has been up for 248 days would run out of the 32 bits, and begin at 1: peers would take that for a replay. */
const MOST_AH = 2 ** 31;

/**
 * `--take-over`: in the place of a keepalived that runs. What it left is put into the state that outlives a crash, as a daemon of ours
 * would have left it; so the rest of the start is that of a take-over after a crash.
 */
export class TakeOver {
  readonly #deps: TakeOverDeps;
  #ended: Promise<void> | undefined;

  constructor(deps: TakeOverDeps) {
    this.#deps = deps;
  }

  /** Again: nothing. Its last advert was sent at most an interval ago. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const { keepalived, log, onEnded } = this.#deps;
    const { pid } = keepalived;
    if (await keepalived.end())
      log("notice", "take-over.ended", `keepalived (pid ${pid}) was ended as it stood: taking over`);
    else
      log(
        "error",
        "take-over.lingers",
        `keepalived (pid ${pid}) does not end after SIGKILL: taking over all the same - look at it with ps`,
      );
    if (await onEnded()) return;
    const message = `Another daemon has taken the place of keepalived (pid ${pid}) meanwhile: this one ends, and leaves all as it is`;
    throw new DaemonError("E_TAKE_OVER", message);
  }

  /** When VRRP is ready to send. What keepalived was master of goes on. @param placed with the names of virtual links */
  async takeVrrp(
    placed: readonly VrrpInstanceConfig[],
    network: Pick<HostNetwork, "link" | "addresses">,
    { lasting, now }: { readonly lasting: LastingState; readonly now: () => Milliseconds },
  ): Promise<void> {
    const { log } = this.#deps;
    const instances = inheritedInstances(placed, network);
    await this.end();
    const at = now();
    for (const { key, config, was } of instances) {
      if (was === "MASTER") {
        lasting.rememberAdvert(key, at);
        lasting.sequences(key).reserve("ah", Math.min(MOST_AH, Math.ceil((at / 1000) * AH_PER_SECOND)));
      } else if (was === "unknown") {
        const sentence = `(${config.name}) has no address, so nothing shows whether keepalived was master: starting as backup`;
        log("warning", "take-over.unknown", sentence, { instance: config.name });
      }
    }
  }

  /** Before the table is compared with the wish. */
  async takeTable(
    { virtualServers }: Config,
    backend: IpvsBackend,
    { lasting, markOf }: { readonly lasting: LastingState; readonly markOf: MarkOf },
  ): Promise<void> {
    await this.end();
    const table = await readTable(backend);
    if (typeof table === "string") {
      const sentence = `The IPVS table cannot be read (${table}): servers count as up until they have been checked`;
      this.#deps.log("error", "take-over.unread", sentence);
      return;
    }
    await inSlices(this.#remember(inheritTable(virtualServers, markOf, table), lasting));
  }

  *#remember(reading: Generator<void, InheritedTable>, lasting: LastingState): Generator<void> {
    const { checks, quorums, owned, down, serving, foreign } = yield* reading;
    for (const record of owned) yield lasting.ownershipChanged([record], []);
    for (const { check, up, value } of checks) {
      const identity = checkIdentity(check);
      if (up || lasting.health(identity) === undefined) lasting.rememberHealth(identity, up, value); // of equal checks one success counts
      yield;
    }
    for (const { virtualServer, quorum } of quorums) {
      lasting.quorums.set(virtualServer, quorum);
      yield;
    }
    const sentence = `Took over ${serving} real servers that take connections; ${down.length} are down until they have been checked, ${foreign.length} entries of others stay`;
    this.#deps.log("notice", "take-over.table", sentence, { serving, down: down.length, foreign: foreign.length });
  }
}
