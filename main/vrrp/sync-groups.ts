import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { SyncGroupConfig } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds } from "../units.js";
import type { VrrpState } from "./machine-types.js";
import { OrderRun } from "./order-run.js";
import {
  firstGroupState,
  type GroupOrder,
  type GroupState,
  groupStep,
  joinTracking,
  type MemberView,
  mayLead,
} from "./sync-group.js";
import type { Tracking } from "./tracking.js";

/** A change of state of a whole group, as the rest of the daemon hears it. */
export interface GroupTransition {
  readonly group: SyncGroupConfig;
  readonly to: Exclude<VrrpState, "INIT">;
  readonly because: string;
  readonly at: Milliseconds;
}

/** What the group uses of an instance. */
export interface GroupMember {
  readonly key: string;
  readonly name: string;
  readonly wantsMaster: boolean;
  /** The same, whatever its guard says. */
  readonly wouldLead: boolean;
  readonly state: VrrpState;
  /** Which virtual router a guarded member is; undefined without a guard. */
  readonly channel?: number | undefined;
  /** Its guard lets the peer go first; undefined: it has not heard of it. */
  letsFirst?(peer: IpAddress, index: number): boolean | undefined;
  /** Looks at its surroundings without acting on them. */
  look(): void;
  refresh(): void;
  obey(order: Exclude<GroupOrder, { to: "FAULT" }>, because: string): void;
  announceAgain(): void;
}

/** What an instance asks about its group. All of it is cheap for instances without one. */
export interface GroupSeat {
  /** Undefined without a group. */
  mayLead(key: string): boolean | undefined;
  /** All other members would be MASTER by now, whatever their guards say. */
  othersWouldLead(key: string): boolean;
  /**
   * Of two guarded groups that are about to lead the peer's goes first: one member speaks for all, the same one on both hosts. Each for
   * itself would wait for ever where one host is the stronger in one virtual router, and the other in the next. Undefined: no group.
   */
  peerGoesFirst(key: string, peer: IpAddress, index: number): boolean | undefined;
  /** The configuration with what the group tracks for all its members. */
  watched(key: string, config: VrrpInstanceConfig): VrrpInstanceConfig;
  /** Tells the group of a member's own tracking, and gives back what holds within the group. */
  share(key: string, own: Tracking): Tracking;
  moved(key: string, to: VrrpState, because: string, rush: boolean): void;
  /** A master answered a weaker one: the segments of the other members have to learn it too. */
  announceOthers(key: string): void;
}

export interface SyncGroupsDeps {
  readonly log: Log;
  readonly now: () => Milliseconds;
  readonly onTransition: (event: GroupTransition) => void;
  /** Runs it in a later turn of the loop. */
  readonly later: (fn: () => void) => void;
  /** See OrderRun. */
  readonly elapsed: () => number;
}

/** One group at one moment, for dumps and the question "why?". */
export interface GroupSnapshot {
  readonly config: SyncGroupConfig;
  readonly state: GroupState;
  readonly members: readonly MemberView[];
}

interface Group {
  config: SyncGroupConfig;
  state: GroupState | "new";
  members: readonly GroupMember[];
  /** It was MASTER before any of its members started. */
  goesOn: boolean;
  /** An order that not all members have heard yet. It outlives a reload. */
  run: OrderRun<GroupMember> | undefined;
  /** Whose guard speaks for all; looked for when it is asked for. */
  speaker: GroupMember | undefined;
  /** By key, those with faults of their own, and those that wait. */
  readonly faulty: Map<string, Own>;
  readonly waiting: Map<string, Own>;
}

type Own = Pick<Tracking, "faults" | "waiting">;

interface Seat {
  readonly group: Group;
  readonly member: GroupMember;
}

const nothing: Own = { faults: [], waiting: [] };

/** All sync groups: carries the orders of the pure half to the instances, and tells of groups as they move. */
export class SyncGroups implements GroupSeat {
  readonly #deps: SyncGroupsDeps;
  #groups = new Map<string, Group>();
  #byKey = new Map<string, Seat>();
  /** By key, as each member last saw itself. */
  readonly #own = new Map<string, Own>();

  constructor(deps: SyncGroupsDeps) {
    this.#deps = deps;
  }

  /** Start and reload: who belongs to which group. Groups are known by their names, and keep their state. */
  update(configs: readonly SyncGroupConfig[], instances: Iterable<readonly [name: string, member: GroupMember]>): void {
    const byName = new Map(instances);
    const before = this.#groups;
    this.#groups = new Map();
    this.#byKey = new Map();
    for (const config of configs) {
      const members = config.members.map((name) => byName.get(name)).filter((member) => member !== undefined);
      if (members.length === 0) continue;
      const { state = "new" as const, run } = before.get(config.name) ?? {};
      const group: Group = {
        config,
        members,
        state,
        goesOn: false,
        run,
        speaker: undefined,
        faulty: new Map(),
        waiting: new Map(),
      };
      this.#groups.set(config.name, group);
      for (const member of members) {
        const { key } = member;
        this.#byKey.set(key, { group, member });
        note(group, key, this.#own.get(key) ?? nothing);
      }
    }
    for (const key of this.#own.keys()) if (!this.#byKey.has(key)) this.#own.delete(key);
  }

  /**
   * Before instances start: what is wrong with one of them concerns all, and a new group is told of before its members. One
   * whose members all are MASTER, or go on as MASTER after a crash of the daemon, is not new to anybody.
   * @param resumes the member was MASTER until a moment ago
   */
  *preparing(resumes: (key: string) => boolean): Generator<undefined> {
    for (const group of this.#groups.values()) {
      for (const member of group.members) {
        member.look();
        yield;
      }
      if (group.state === "new") this.#begin(group, resumes);
      group.goesOn = group.state === "MASTER";
    }
  }

  #begin(group: Group, resumes: (key: string) => boolean): void {
    const first = firstGroupState(viewsOf(group, this.#own));
    const goesOn = first !== "FAULT" && group.members.every(({ key, state }) => state === "MASTER" || resumes(key));
    group.state = goesOn ? "MASTER" : first;
    if (!goesOn && first !== "INIT") this.#tell(group, first, "start");
  }

  /** After a start or reload: members that came or changed are brought together with the others. */
  *settling(): Generator<undefined> {
    for (const group of this.#groups.values()) {
      group.speaker = undefined; // guards may have come
      while (group.run?.step() === true) yield; // else it would look as if the members had come apart
      for (const member of group.members) {
        member.refresh();
        yield;
      }
      const masters = group.members.filter(({ state }) => state === "MASTER");
      if (masters.length < group.members.length) this.#gather(group, masters);
    }
  }

  /** keepalived prefers BACKUP too: a member that came is not known to be able to lead. */
  #gather(group: Group, masters: readonly GroupMember[]): void {
    const because = `a reload brought sync group ${group.config.name} together`;
    for (const master of masters) master.obey({ to: "BACKUP", rush: false }, because);
    const moved = group.members.find(({ state }) => state !== "INIT");
    if (moved !== undefined) this.moved(moved.key, moved.state, because, false);
  }

  /** The members have stopped: the groups are told of after them. From here on nobody is synchronised. */
  close(): readonly GroupSnapshot[] {
    for (const { run } of this.#groups.values()) run?.end();
    const closed = this.snapshot();
    this.#groups = new Map();
    this.#byKey = new Map();
    return closed;
  }

  snapshot(): readonly GroupSnapshot[] {
    return [...this.#groups.values()].map((group) => ({
      config: group.config,
      state: group.state === "new" ? "INIT" : group.state,
      members: viewsOf(group, this.#own),
    }));
  }

  /** Every member resumes, or none does; that others have become MASTER since is no reason. */
  mayResume(key: string): boolean {
    return this.#byKey.get(key)?.group.goesOn ?? true;
  }

  mayLead(key: string): boolean | undefined {
    const seat = this.#byKey.get(key);
    if (seat === undefined) return undefined;
    const { state, members } = seat.group;
    return mayLead(state === "new" ? "INIT" : state, members, seat.member);
  }

  othersWouldLead(key: string): boolean {
    const members = this.#byKey.get(key)?.group.members ?? [];
    return members.every((member) => member.key === key || member.wouldLead);
  }

  peerGoesFirst(key: string, peer: IpAddress, index: number): boolean | undefined {
    const group = this.#byKey.get(key)?.group;
    if (group === undefined) return undefined;
    if (group.speaker?.channel === undefined) group.speaker = speakerOf(group.members);
    return group.speaker?.letsFirst?.(peer, index);
  }

  watched(key: string, config: VrrpInstanceConfig): VrrpInstanceConfig {
    const seat = this.#byKey.get(key);
    return seat === undefined ? config : withGroupTracks(config, seat.group.config);
  }

  share(key: string, own: Tracking): Tracking {
    const group = this.#byKey.get(key)?.group;
    if (group === undefined) return own;
    this.#own.set(key, own);
    note(group, key, own);
    const faulty = firstOther(group.faulty, key);
    const waiting = firstOther(group.waiting, key);
    const name = faulty === undefined ? undefined : this.#byKey.get(faulty)?.member.name;
    const names = waiting === undefined ? [] : (group.waiting.get(waiting)?.waiting ?? []);
    return joinTracking(group.config.name, own, name, names);
  }

  moved(key: string, to: VrrpState, because: string, rush: boolean): void {
    const group = this.#byKey.get(key)?.group;
    if (group === undefined) return;
    const before = group.state === "new" ? "INIT" : group.state;
    const { state, order } = groupStep(before, to, rush);
    group.state = state;
    if (order === undefined || state === "INIT") return;
    const { name } = group.config;
    if (!rush) this.#log(name, `VRRP_Group(${name}) Syncing instances to ${state} state`);
    group.run?.end();
    const others = group.members.filter((member) => member.key !== key);
    group.run = new OrderRun(others, {
      tell: (member) => {
        if (this.#groupOf(member) === name) carryOut(member, order, `sync group ${name}: ${because}`);
      },
      done: () => this.#tell(this.#groups.get(name) ?? group, state, because),
      later: this.#deps.later,
      elapsed: this.#deps.elapsed,
    });
    group.run.run();
  }

  /** A reload may have come in between. */
  #groupOf(member: GroupMember): string | undefined {
    const seat = this.#byKey.get(member.key);
    return seat?.member === member ? seat.group.config.name : undefined;
  }

  announceOthers(key: string): void {
    for (const member of this.#byKey.get(key)?.group.members ?? []) if (member.key !== key) member.announceAgain();
  }

  #tell(group: Group, to: Exclude<GroupState, "INIT">, because: string): void {
    this.#deps.onTransition({ group: group.config, to, because, at: this.#deps.now() });
  }

  #log(group: string, sentence: string): void {
    this.#deps.log("info", "vrrp.sync-group", sentence, { group });
  }
}

/** The guarded one of the lowest virtual router. */
function speakerOf(members: readonly GroupMember[]): GroupMember | undefined {
  let speaker: GroupMember | undefined;
  for (const member of members) {
    const { channel = Number.POSITIVE_INFINITY } = member;
    if (channel < (speaker?.channel ?? Number.POSITIVE_INFINITY)) speaker = member;
  }
  return speaker;
}

const viewsOf = ({ members }: Pick<Group, "members">, own: ReadonlyMap<string, Own>): readonly MemberView[] =>
  members.map(({ key, name, wantsMaster }) => ({ name, wantsMaster, own: own.get(key) ?? nothing }));

function note({ faulty, waiting }: Group, key: string, own: Own): void {
  if (own.faults.length > 0) faulty.set(key, own);
  else faulty.delete(key);
  if (own.waiting.length > 0) waiting.set(key, own);
  else waiting.delete(key);
}

/** Looks at two of them at most. */
function firstOther(of: ReadonlyMap<string, Own>, key: string): string | undefined {
  for (const other of of.keys()) if (other !== key) return other;
  return undefined;
}

/** A member that recovers does so by looking again, an owner straight to MASTER; BACKUP is said too, as it may be MASTER. */
function carryOut(member: GroupMember, order: GroupOrder, because: string): void {
  if (order.to !== "FAULT") member.obey(order, because);
  if (order.to !== "MASTER" || member.state !== "MASTER") member.refresh();
}

/** What a member tracks itself is not tracked twice. */
function withGroupTracks(config: VrrpInstanceConfig, group: SyncGroupConfig): VrrpInstanceConfig {
  const { trackInterfaces, trackScripts, track } = group;
  const lists = [trackInterfaces, trackScripts, track.files, track.processes, track.bfds, track.quorums ?? []];
  if (lists.every((list) => list.length === 0)) return config;
  return {
    ...config,
    trackInterfaces: joined(config.trackInterfaces, trackInterfaces),
    trackScripts: joined(config.trackScripts, trackScripts),
    track: {
      files: joined(config.track.files, track.files),
      processes: joined(config.track.processes, track.processes),
      bfds: joined(config.track.bfds, track.bfds),
      quorums: joined(config.track.quorums ?? [], track.quorums ?? []),
    },
  };
}

function joined<T extends { readonly name: string }>(own: readonly T[], shared: readonly T[]): readonly T[] {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...shared.filter(({ name }) => !names.has(name))];
}
