import type { IpAddress } from "../address.js";

/** The kernel's threads that copy the connection table to another load balancer (ipvsadm(8), --start-daemon). */

export const syncRoles = ["master", "backup"] as const;
/** A master sends, a backup receives; both may run at the same time. */
export type SyncRole = (typeof syncRoles)[number];

export interface SyncDaemon {
  readonly role: SyncRole;
  readonly interface: string;
  readonly id: number;
  /** Of a packet, octets. Undefined: the kernel chooses it by the interface. */
  readonly maxLength: number | undefined;
  readonly port: number;
  /** Undefined: the kernel's 1. */
  readonly ttl: number | undefined;
  readonly group: IpAddress;
}

export type SyncStep =
  | { readonly do: "stop"; readonly role: SyncRole }
  | { readonly do: "start"; readonly daemon: SyncDaemon };

const KERNEL_TTL = 1;

const sameTarget = (a: SyncDaemon, b: SyncDaemon): boolean =>
  a.interface === b.interface && a.id === b.id && a.port === b.port && a.group === b.group;

export const sameWish = (a: SyncDaemon, b: SyncDaemon): boolean =>
  sameTarget(a, b) && a.maxLength === b.maxLength && a.ttl === b.ttl;

/** What was not asked for may be anything: the kernel has filled it in. */
const isAsWanted = (wanted: SyncDaemon, found: SyncDaemon): boolean =>
  sameTarget(wanted, found) &&
  (wanted.maxLength === undefined || wanted.maxLength === found.maxLength) &&
  (wanted.ttl ?? KERNEL_TTL) === found.ttl;

/**
 * From what runs to what is wanted; stops come first. What is not wanted is stopped where it is ours.
 * @param started what we started ourselves: the kernel brings its length within limits, and that is no reason to start it again
 */
export function planSync(
  wanted: readonly SyncDaemon[],
  running: readonly SyncDaemon[],
  isOurs: (role: SyncRole) => boolean,
  started: ReadonlyMap<SyncRole, SyncDaemon> = new Map(),
): readonly SyncStep[] {
  const stops: SyncStep[] = [];
  const starts: SyncStep[] = [];
  for (const role of syncRoles) {
    const want = wanted.find((daemon) => daemon.role === role);
    const found = running.find((daemon) => daemon.role === role);
    if (want !== undefined && found !== undefined && fits(want, found, started.get(role))) continue;
    if (found !== undefined && (want !== undefined || isOurs(role))) stops.push({ do: "stop", role });
    if (want !== undefined) starts.push({ do: "start", daemon: want });
  }
  return [...stops, ...starts];
}

const fits = (want: SyncDaemon, found: SyncDaemon, started: SyncDaemon | undefined): boolean =>
  started === undefined ? isAsWanted(want, found) : sameWish(want, started) && sameTarget(want, found);
