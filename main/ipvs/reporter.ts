import type { Log } from "../observe/log.js";
import type { Settled } from "./batcher.js";
import type { Drift, Repair } from "./diff.js";
import { errorSentence, operationTarget } from "./operation.js";
import type { Slot } from "./slot.js";

/** Names in one line; the rest is a number. */
const NAMES_PER_LINE = 5;
/** Lines for one repair of many services (`ipvsadm -C`); the rest is a number. */
const LINES_PER_PASS = 10;

/** One slot's repairs that have been carried out. */
export interface RepairedSlot {
  readonly slot: Slot;
  readonly repairs: readonly Repair[];
}

/** Puts into words what the writer did and met. Each lasting trouble is one line when it begins and one when it ends. */
export class Reporter {
  readonly #log: Log;
  /** Entries put right since the start. */
  repairs = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The verdicts of one pass for one slot. @returns true when the kernel refused something, so that it is to be tried again */
  settled(slot: Slot, steps: readonly Settled[]): boolean {
    const serviceRefused = steps.some((s) => s.outcome.kind === "failed" && !("destination" in s.operation));
    const refused = new Set<string>();
    for (const step of steps) {
      const target = operationTarget(step.operation);
      if (step.outcome.kind === "failed") {
        refused.add(target);
        this.#refusal(step, target);
      } else if (step.outcome.kind === "vanished") {
        // After a refused service its destinations fail too: the service's own line says it all.
        if (!serviceRefused)
          this.#log("info", "ipvs.vanished", errorSentence(step.operation, step.verdict), { vs: slot.key });
      } else {
        this.#done(step, target);
      }
    }
    for (const target of [...slot.failing.keys()]) if (!refused.has(target)) slot.failing.delete(target);
    return refused.size > 0;
  }

  #refusal({ slot, operation, verdict }: Settled, target: string): void {
    const sentence = errorSentence(operation, verdict);
    if (slot.failing.get(target) !== sentence)
      this.#log("error", "ipvs.error", sentence, { vs: slot.key, errno: verdict.errno });
    slot.failing.set(target, sentence);
  }

  #done({ slot, operation, verdict }: Settled, target: string): void {
    if (verdict.errno !== 0) this.#log("info", "ipvs.surprise", errorSentence(operation, verdict), { vs: slot.key });
    if (slot.failing.delete(target))
      this.#log("notice", "ipvs.recovered", `IPVS ${target}: the kernel accepts it now`, { vs: slot.key });
  }

  repaired(done: readonly RepairedSlot[]): void {
    for (const [i, { slot, repairs }] of done.entries()) {
      this.repairs += repairs.length;
      if (i < LINES_PER_PASS)
        this.#log("warning", "ipvs.repaired", repairSentence(slot, repairs), { vs: slot.key, entries: repairs.length });
    }
    const more = done.length - LINES_PER_PASS;
    if (more > 0)
      this.#log("warning", "ipvs.repaired", `IPVS: ${more} more services were repaired`, { services: more });
  }

  /** Logs what is new in `drift`, and remembers it in the slot. */
  drifted(slot: Slot, drift: readonly Drift[]): void {
    for (const entry of drift) {
      const { destination, wanted, found } = entry;
      if (
        slot.drift.some(
          (known) => known.destination === destination && known.found === found && known.wanted === wanted,
        )
      )
        continue;
      const place = destination === undefined ? slot.key : `${slot.key} -> ${destination}`;
      const sentence = `IPVS ${place}: changed by somebody else to ${found} (ours: ${wanted}), kept until our next change`;
      this.#log("notice", "ipvs.drift", sentence, { vs: slot.key, found, wanted });
    }
    slot.drift = drift;
  }

  contested(slot: Slot, key: string, holdMs: number): void {
    const place = key === slot.key ? slot.key : `${slot.key} -> ${key}`;
    const seconds = Math.round(holdMs / 1000);
    const sentence = `IPVS ${place}: repaired more than 3 times in a minute, somebody else manages it too; left alone for ${seconds} s`;
    this.#log("error", "ipvs.contested", sentence, { vs: slot.key, holdSeconds: seconds });
  }

  foreign(slot: Slot, keys: readonly string[]): void {
    const sentence = `IPVS ${slot.key}: no longer wanted, but stays, because it has destinations that are not ours: ${names(keys)}`;
    this.#log("warning", "ipvs.foreign", sentence, { vs: slot.key, destinations: keys.length });
  }

  unflushed(errno: number, reason: string): void {
    const sentence = `IPVS: lvs_flush_on_stop is refused (errno ${errno} ${reason}): only what is ours is deleted`;
    this.#log("error", "ipvs.unflushed", sentence, { errno });
  }

  unreadable(why: string): void {
    this.#log("error", "ipvs.unreadable", `IPVS: the table cannot be read (${why}), trying again`);
  }
}

function repairSentence(slot: Slot, repairs: readonly Repair[]): string {
  const whole = repairs.find((repair) => repair.key === slot.key && repair.kind === "missing");
  if (whole !== undefined)
    return `IPVS ${slot.key}: was missing, made again with ${slot.desired?.destinations.size ?? 0} destinations`;
  const missing = repairs.filter((repair) => repair.kind === "missing").map((repair) => repair.key);
  const changed = repairs.filter((repair) => repair.kind === "changed").map((repair) => repair.key);
  const parts: string[] = [];
  if (missing.length > 0) parts.push(`${names(missing)} was missing, added again`);
  if (changed.length > 0) parts.push(`${names(changed)} was changed, set again`);
  return `IPVS ${slot.key}: ${parts.join("; ")}`;
}

function names(keys: readonly string[]): string {
  const shown = keys.slice(0, NAMES_PER_LINE).join(", ");
  return keys.length > NAMES_PER_LINE ? `${shown} and ${keys.length - NAMES_PER_LINE} more` : shown;
}
