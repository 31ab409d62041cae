import { closeSync, constants, fstatSync, linkSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { errnoName } from "../errors.js";
import { additions, difference, isRecord, keyOfRecord, type Plain, type Step } from "./difference.js";
import { leftInstances } from "./left-instances.js";
import type { Config } from "./model.js";
import { Rebuild } from "./rebuild.js";
import { Sealed, type Spot, sealOf, spotOf } from "./sealed.js";

/**
 * A copy of the configuration in force, beside the pid file and for root only (it holds passwords). When a reload was refused,
 * the file on disk is broken; a daemon that has to take over then goes on with this instead. A reload finds here what runs, to
 * compare with. Written by whoever read it: the config worker at a reload, at a start the main thread, a piece at a time.
 *
 * Frames, each u32 octets and so many octets of v8.serialize: what it is a copy of; the steps of difference.ts from nothing to the
 * configuration, in which records of its lists are sealed (a seal, then the record in a frame of its own); and null.
 */

/** Of the format; a copy of another version is none. */
const VERSION = 8;
const LENGTH_OCTETS = 4;

/** Written here first, and then renamed: a torn copy is never in its place. */
export const unfinishedCopy = (path: string): string => `${path}.new`;

/** What a reload replaces, until it has: a daemon that dies over it leaves things of both on the host. */
export const copyBefore = (path: string): string => `${path}.before`;

export interface Pace {
  /** Frames are put together to so many octets, at least. */
  readonly pieceOctets: number;
  /** A record with longer lists is written in steps. */
  readonly longestList: number;
}

/** For the main thread: a piece takes well under a millisecond. */
export const careful: Pace = { pieceOctets: 16 * 1024, longestList: 32 };
const brisk: Pace = { pieceOctets: 256 * 1024, longestList: Number.POSITIVE_INFINITY };

/** In front of a record that is sealed. */
interface Seal {
  readonly key: string;
  readonly spot: Spot | undefined;
}

/** Computed as it is read, in pieces. */
export function* acceptedPieces(edition: string, config: Config, pace: Pace): Generator<Buffer> {
  let frames: Buffer[] = [];
  let octets = 0;
  for (const body of frameBodies(edition, config, pace)) {
    const head = Buffer.alloc(LENGTH_OCTETS);
    head.writeUInt32LE(body.length);
    frames.push(head, body);
    octets += LENGTH_OCTETS + body.length;
    if (octets < pace.pieceOctets) continue;
    yield Buffer.concat(frames);
    frames = [];
    octets = 0;
  }
  yield Buffer.concat(frames);
}

function* frameBodies(edition: string, config: Config, { longestList }: Pace): Generator<Buffer> {
  yield serialize({ version: VERSION, edition });
  const rest: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(config))
    if (Array.isArray(value)) yield* listBodies(field, value, longestList);
    else rest[field] = value;
  for (const steps of difference(undefined, rest)) yield serialize(steps);
  yield serialize(null);
}

function* listBodies(field: string, list: readonly unknown[], longestList: number): Generator<Buffer> {
  yield serialize([{ do: "open", as: "list", field, anew: true }] satisfies Step[]);
  for (const element of list)
    if (isRecord(element) && hasNoListOf(longestList, element)) {
      yield serialize({ key: keyOfRecord(element), spot: spotOf(element) } satisfies Seal);
      yield sealOf(element);
    } else for (const steps of additions(element)) yield serialize(steps);
  yield serialize([{ do: "close" }] satisfies Step[]);
}

function hasNoListOf(longest: number, record: Plain): boolean {
  for (const field in record) {
    const value = record[field];
    if (Array.isArray(value) && value.length > longest) return false;
  }
  return true;
}

/** @throws system error when the directory cannot be written */
export function saveAccepted(path: string, edition: string, config: Config): void {
  const unfinished = unfinishedCopy(path);
  rmSync(unfinished, { force: true }); // what somebody else put there is replaced, not followed
  const fd = openSync(unfinished, "wx", 0o600);
  try {
    for (const octets of acceptedPieces(edition, config, brisk))
      for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
}

/** To be compared with: records of its lists are `Sealed`. Undefined when there is none, none that this version wrote, or another one than `edition`. */
export function readAccepted(path: string, edition: string): object | undefined {
  const copy = readCopy<object>(path, (sealed) => sealed);
  return copy?.edition === edition ? copy.config : undefined;
}

export interface Accepted<T = Config> {
  readonly edition: string;
  readonly config: T;
}

/** Undefined when there is none, or none that this version wrote. */
export const readAnyAccepted = (path: string): Accepted | undefined =>
  readCopy<Config>(path, (sealed) => sealed.open());

/** Whatever may still be on the host, the newest first. */
export function readEarlier(path: string): readonly Config[] {
  const copies = [readAnyAccepted(path), readAnyAccepted(copyBefore(path))];
  return copies.flatMap((copy) => (copy === undefined ? [] : [copy.config]));
}

/**
 * To be called before a copy is replaced: it stays there under another name. One of that name says that the copy itself was never in
 * force as a whole: then both are kept, as one. @throws system error
 */
export function keepBefore(path: string): void {
  const before = copyBefore(path);
  const older = readAnyAccepted(before);
  if (older === undefined) {
    rmSync(before, { force: true }); // torn, or somebody else's
    linkIfThere(path, before);
    return;
  }
  const copy = readAnyAccepted(path);
  if (copy === undefined) return;
  const { edition, config } = copy;
  const vrrpInstances = [...config.vrrpInstances, ...leftInstances([older.config], config)];
  saveAccepted(before, edition, { ...config, vrrpInstances });
}

function linkIfThere(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch (error) {
    if (errnoName(error) !== "ENOENT") throw error;
  }
}

function readCopy<T extends object>(path: string, elementOf: (sealed: Sealed) => object): Accepted<T> | undefined {
  let fd: number | undefined;
  try {
    fd = openOwn(path);
    return fd === undefined ? undefined : rebuilt<T>(framesOf(fd), elementOf);
  } catch {
    return undefined; // not there, or torn
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function rebuilt<T extends object>(
  frames: Iterator<Buffer>,
  elementOf: (sealed: Sealed) => object,
): Accepted<T> | undefined {
  const head = next(frames);
  if (typeof head !== "object" || head === null || !("version" in head) || head.version !== VERSION) return undefined;
  const { edition } = head as { readonly version: number; readonly edition: string };
  const rebuild = new Rebuild<T>(undefined);
  for (let frame = next(frames); frame !== undefined; frame = next(frames)) {
    if (frame === null) return { edition, config: rebuild.finish() };
    if (Array.isArray(frame)) rebuild.take(frame as readonly Step[]);
    else rebuild.take([{ do: "add", value: elementOf(sealedAfter(frame as Seal, frames)) }]);
  }
  return undefined;
}

/** @returns undefined at the end */
function next(frames: Iterator<Buffer>): unknown {
  const body = frames.next();
  return body.done === true ? undefined : deserialize(body.value);
}

function sealedAfter({ key, spot }: Seal, frames: Iterator<Buffer>): Sealed {
  const body = frames.next();
  if (body.done === true) throw new RangeError("a seal without its record");
  return new Sealed(key, body.value, spot);
}

/** It says what is run as root: one that somebody else put there, in /tmp for instance, is none of ours. @throws system error */
function openOwn(path: string): number | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fstatSync(fd).uid === process.geteuid?.()) return fd;
  closeSync(fd);
  return undefined;
}

/** Of one that is read at once, the C library would keep the memory for the next one, 13 MB of 37,000 real servers. */
const READ_OCTETS = 256 * 1024;

/** @throws RangeError on a torn one, or a system error */
function* framesOf(fd: number): Generator<Buffer> {
  const { size } = fstatSync(fd);
  let octets = Buffer.alloc(0);
  for (let missing = LENGTH_OCTETS; ; ) {
    const more = Buffer.allocUnsafeSlow(Math.max(missing, READ_OCTETS));
    const count = readSync(fd, more);
    if (count === 0) break;
    octets = octets.length === 0 ? more.subarray(0, count) : Buffer.concat([octets, more.subarray(0, count)]);
    let at = 0;
    for (let end = endOf(octets, at); end <= octets.length; end = endOf(octets, at)) {
      yield octets.subarray(at + LENGTH_OCTETS, end);
      at = end;
    }
    missing = endOf(octets, at) - octets.length;
    octets = octets.subarray(at);
    if (missing > size) break;
  }
  if (octets.length > 0) throw new RangeError("a frame that is not whole");
}

/** Of the frame that begins there, as far as it is known how long it is. */
const endOf = (octets: Buffer, at: number): number =>
  at + LENGTH_OCTETS + (at + LENGTH_OCTETS <= octets.length ? octets.readUInt32LE(at) : 0);

export function removeAccepted(path: string): void {
  for (const file of [path, copyBefore(path)]) rmSync(file, { force: true });
}
