import type { VrrpSnapshot } from "../vrrp/snapshot.js";
import { masterDownInterval } from "../vrrp/timers.js";
import type { PriorityPart, WhyDocument } from "./why.js";

type Known = Omit<WhyDocument, "wouldMakeItMaster">;
type Mine = Pick<VrrpSnapshot, "config" | "effectivePriority" | "master" | "masterAdvertInterval" | "wantState">;

/** What would make the instance MASTER, as sentences without a subject of their own. Pure. */
export function wouldMakeItMaster(known: Known, mine: Mine): readonly string[] {
  switch (known.state) {
    case "BACKUP":
      if (known.guard?.waits !== undefined) return [`split_brain_guard lets it: ${known.guard.waits}`];
      return mine.wantState === "MASTER" ? readyIn(known) : [...fromBackup(known, mine), ...groupHint(known)];
    case "FAULT":
    case "INIT":
      return fromFault(known, mine);
    case "MASTER":
    case "STOP":
    case "DELETED":
      return [];
  }
}

function fromFault({ faults, waitingFor }: Known, mine: Mine): readonly string[] {
  const { config, effectivePriority, masterAdvertInterval } = mine;
  const listens = seconds(masterDownInterval(config, effectivePriority, masterAdvertInterval));
  const ends = faults.map((fault) => `this ends: ${fault}`);
  const reports = waitingFor.map((name) => `${name} reports for the first time`);
  const all = [...ends, ...reports];
  const together = all.length > 1 ? ["all of these are needed"] : [];
  return [...all, ...together, `then nobody stronger is heard for ${listens}`];
}

function fromBackup(known: Known, mine: Mine): readonly string[] {
  const { config, master, effectivePriority: own } = mine;
  const { masterDownMs, preemptDelayMs } = known.timers;
  const wait = seconds(masterDownMs ?? 0);
  const heard = known.adverts.heard;
  const leader = master ?? (heard && { address: heard.source, priority: heard.priority });
  if (leader === undefined) return [`nobody is heard for another ${wait}`];
  const falls = `${leader.address} is not heard for another ${wait}`;
  if (!config.preempt) return [falls, `nopreempt: no priority makes it take over from ${leader.address}`];
  if (leader.priority >= own)
    return [falls, `${leader.address} goes below priority ${own}`, raise(known, leader.priority)];
  if (preemptDelayMs !== undefined)
    return [falls, `its preempt_delay ends in ${seconds(preemptDelayMs)}, and ${leader.address} is still weaker`];
  return [`${leader.address} with priority ${leader.priority} is weaker: it takes over in ${wait}`];
}

/** Our priority has to be above the master's: equal ones are left alone. */
function raise({ priority: { base, effective, parts } }: Known, leader: number): string {
  const better = parts.filter((part) => (part.bestDelta ?? part.delta) > part.delta);
  const gained = better.reduce((sum, part) => sum + (part.bestDelta ?? 0) - part.delta, 0);
  const needed = `its own priority goes above ${leader}`;
  if (base === 255 || leader >= 254) return `${needed}: no tracker can do that`;
  const [file] = parts.filter(({ tracker }) => tracker === "file");
  if (better.length === 0 && file !== undefined)
    return `${needed}: the number in ${nameOf(file)} has to give ${leader + 1 - effective} more`;
  if (better.length === 0)
    return `${needed}: every tracker gives what it can already, so priority ${base} has to be changed`;
  const best = Math.min(254, effective + gained);
  const names = better.map(nameOf).join(", ");
  return `${needed}: with ${names} well it is ${best}, ${best > leader ? "which is enough" : "which is not enough"}`;
}

/** A sync group moves as one: the others have to want it too. */
function groupHint({ group }: Known): readonly string[] {
  const reluctant = group?.others.filter(({ wantsMaster }) => !wantsMaster).map(({ instance }) => instance) ?? [];
  if (group === undefined || reluctant.length === 0) return [];
  return [`whichever it is, ${reluctant.join(", ")} of sync group ${group.name} must be ready for it too`];
}

const readyIn = ({ group }: Known): readonly string[] => {
  const reluctant = group?.others.filter(({ wantsMaster }) => !wantsMaster).map(({ instance }) => instance) ?? [];
  return [`it is ready itself: ${reluctant.join(", ")} of sync group ${group?.name ?? ""} must be ready too`];
};

export const nameOf = ({ tracker, name }: Pick<PriorityPart, "tracker" | "name">): string => `${tracker} ${name}`;

export const seconds = (milliseconds: number): string =>
  `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 0)} s`;
