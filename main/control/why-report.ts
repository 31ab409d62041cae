import type { VrrpInstanceConfig } from "../config/model.js";
import type { SyncGroupConfig, TrackRef } from "../config/model-vrrp.js";
import type { Milliseconds } from "../units.js";
import { unreachable } from "../unreachable.js";
import type { ScriptSnapshot } from "../vrrp/script-monitor.js";
import type { InstanceStanding, VrrpSnapshot } from "../vrrp/snapshot.js";
import type { GroupSnapshot } from "../vrrp/sync-groups.js";
import { type Contribution, type Fault, faultReason } from "../vrrp/tracking.js";
import { guardStatus } from "./guard-view.js";
import type { CheckPart, GroupPart, PriorityPart, WhyDocument } from "./why.js";
import { wouldMakeItMaster } from "./why-master.js";

/** What an answer is made of: the instance, its sync group with the other members, and all scripts. */
export interface WhyFacts {
  readonly snapshot: VrrpSnapshot;
  readonly group: GroupSnapshot | undefined;
  /** By name. Not whole snapshots: of a thousand members they take more than a turn may. */
  readonly others: ReadonlyMap<string, InstanceStanding>;
  readonly scripts: readonly ScriptSnapshot[];
  /** Clock.now */
  readonly now: Milliseconds;
}

/** Pure. */
export function whyDocument(facts: WhyFacts): WhyDocument {
  const { snapshot, group, scripts, now } = facts;
  const { config, lastTransition, lastHeard, lastRejected, lastAdvertSentAt } = snapshot;
  const plain: Omit<WhyDocument, "wouldMakeItMaster"> = {
    instance: config.name,
    state: snapshot.state,
    because: lastTransition?.because ?? "it has not started",
    forMs: lastTransition === undefined ? 0 : now - lastTransition.at,
    priority: {
      base: config.basePriority,
      effective: snapshot.effectivePriority,
      parts: snapshot.contributions.map((part) => priorityPart(part, config, group?.config)),
    },
    faults: snapshot.faults.map((fault) => faultText(fault, facts)),
    waitingFor: snapshot.waitingForScripts,
    checks: checks(config, group?.config, scripts),
    ...(group === undefined ? {} : { group: groupPart(group, facts) }),
    adverts: {
      ...(lastAdvertSentAt === undefined ? {} : { sentAgoMs: now - lastAdvertSentAt }),
      ...(lastHeard === undefined ? {} : { heard: { ...lastHeard.what, agoMs: now - lastHeard.at } }),
      ...(lastRejected === undefined ? {} : { rejected: { ...lastRejected.what, agoMs: now - lastRejected.at } }),
    },
    timers: {
      ...until("nextAdvertMs", snapshot.nextAdvertAt, now),
      ...until("masterDownMs", snapshot.masterDownAt, now),
      ...until("preemptDelayMs", snapshot.preemptAt, now),
    },
    addresses: [...snapshot.virtualAddresses, ...snapshot.excludedAddresses].map(({ address, dev, set }) => ({
      address: `${address.address}/${address.prefix}`,
      dev,
      set,
    })),
  };
  const guard = snapshot.guard === undefined ? {} : { guard: guardStatus(snapshot.guard, now) };
  return { ...plain, ...guard, wouldMakeItMaster: wouldMakeItMaster({ ...plain, ...guard }, snapshot) };
}

/** A member that the document left out does not exist: `undefined` is not put in. */
const until = (name: keyof WhyDocument["timers"], at: Milliseconds | undefined, now: Milliseconds) =>
  at === undefined ? {} : { [name]: Math.max(0, at - now) };

function priorityPart(
  part: Contribution,
  config: VrrpInstanceConfig,
  group: SyncGroupConfig | undefined,
): PriorityPart {
  const own = tracksOf(part.tracker, config).find(({ name }) => name === part.name);
  const shared = group && tracksOf(part.tracker, group).find(({ name }) => name === part.name);
  const track = own ?? shared;
  const best = part.tracker === "file" || track === undefined ? {} : { bestDelta: bestDelta(track) };
  return { ...part, ...best, ...(own === undefined && group !== undefined ? { group: group.name } : {}) };
}

function tracksOf(
  tracker: Contribution["tracker"],
  of: Pick<VrrpInstanceConfig, "trackInterfaces" | "trackScripts" | "track">,
): readonly TrackRef[] {
  switch (tracker) {
    case "interface":
      return of.trackInterfaces;
    case "script":
      return of.trackScripts;
    case "file":
      return of.track.files;
    case "process":
      return of.track.processes;
    case "bfd":
      return of.track.bfds;
    case "quorum":
      return of.track.quorums ?? [];
    default:
      return unreachable(tracker);
  }
}

/** A positive weight counts while up, a negative one while down; `reverse` turns the change round. */
const bestDelta = ({ weight, reverse }: TrackRef): number => Math.max(0, reverse ? -weight : weight);

function checks(
  config: VrrpInstanceConfig,
  group: SyncGroupConfig | undefined,
  scripts: readonly ScriptSnapshot[],
): readonly CheckPart[] {
  const tracked = new Set([...config.trackScripts, ...(group?.trackScripts ?? [])].map(({ name }) => name));
  return scripts
    .filter((script) => tracked.has(script.config.name))
    .map(({ config: { name }, standing, lastExit, running }) => ({
      script: name,
      state: standing,
      ...(lastExit === undefined ? {} : { lastExit }),
      running,
    }));
}

function faultText(fault: Fault, { scripts, others }: WhyFacts): string {
  switch (fault.kind) {
    case "interface-down":
      return `interface ${fault.name} is down`;
    case "no-source-address":
      return "its interface has no address to send from";
    case "source-address-lost":
      return `its source address ${fault.address} is on no interface, and track_src_ip is set`;
    case "no-peer":
      return "it has no unicast_peer, and unicast_fault_no_peer is set";
    case "script": {
      const exit = scripts.find(({ config }) => config.name === fault.name)?.lastExit;
      return `script ${fault.name} fails${exit === undefined ? "" : ` (exit ${exit})`}`;
    }
    case "socket":
      return fault.problem;
    case "tracker":
      return trackerText(fault);
    case "sync-group": {
      const own = others.get(fault.member)?.faults ?? [];
      const why = own.filter(({ kind }) => kind !== "sync-group").map((other) => faultReason(other));
      return `${fault.member} of sync group ${fault.group} has a fault ${why.join(", ")}`.trimEnd();
    }
    default:
      return unreachable(fault);
  }
}

function trackerText({ tracker, name }: Extract<Fault, { kind: "tracker" }>): string {
  if (tracker === "quorum") return `virtual server ${name} has no quorum`;
  if (tracker === "file") return `the number in track file ${name} means a fault`;
  return tracker === "process" ? `process ${name} has no quorum` : `BFD session ${name} is down`;
}

function groupPart({ config, state, members }: GroupSnapshot, { snapshot, others }: WhyFacts): GroupPart {
  const name = snapshot.config.name;
  return {
    name: config.name,
    state,
    others: members
      .filter((member) => member.name !== name)
      .map((member) => ({
        instance: member.name,
        state: others.get(member.name)?.state ?? "INIT",
        wantsMaster: member.wantsMaster,
        faults: member.own.faults.map(faultReason),
      })),
  };
}
