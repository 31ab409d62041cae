import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { difference, type Step } from "./difference.js";
import type { Config } from "./model.js";
import { Rebuild } from "./rebuild.js";

/**
 * A copy of the configuration in force, beside the pid file and for root only (it holds passwords). When a reload was refused,
 * the file on disk is broken; a daemon that has to take over then goes on with this instead. A reload finds here what runs, to
 * compare with. Written by whoever read it: the config worker at a reload, at a start the main thread, a frame at a time.
 *
 * Frames, each u32 octets and so many octets of v8.serialize: what it is a copy of, the steps of difference.ts from nothing to the
 * configuration, and null.
 */

/** Of the format; a copy of another version is none. */
const VERSION = 6;
const LENGTH_OCTETS = 4;

/** Written here first, and then renamed: a torn copy is never in its place. */
export const unfinishedCopy = (path: string): string => `${path}.new`;

/** Computed as it is read, in frames that take the main thread well under a millisecond each. */
export function* acceptedFrames(edition: string, config: Config): Generator<Buffer> {
  yield frame({ version: VERSION, edition });
  for (const steps of difference(undefined, config)) yield frame(steps);
  yield frame(null);
}

function frame(value: unknown): Buffer {
  const body = serialize(value);
  const head = Buffer.alloc(LENGTH_OCTETS);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

/** @throws system error when the directory cannot be written */
export function saveAccepted(path: string, edition: string, config: Config): void {
  const unfinished = unfinishedCopy(path);
  rmSync(unfinished, { force: true }); // what somebody else put there is replaced, not followed
  const fd = openSync(unfinished, "wx", 0o600);
  try {
    for (const octets of acceptedFrames(edition, config))
      for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
}

/** Undefined when there is none, none that this version wrote, or another one than `edition`. */
export function readAccepted(path: string, edition: string): Config | undefined {
  const copy = readAnyAccepted(path);
  return copy?.edition === edition ? copy.config : undefined;
}

export interface Accepted {
  readonly edition: string;
  readonly config: Config;
}

/** Undefined when there is none, or none that this version wrote. */
export function readAnyAccepted(path: string): Accepted | undefined {
  try {
    const frames = framesOf(readFileSync(path));
    const head: unknown = frames.next().value;
    if (typeof head !== "object" || head === null || !("version" in head) || head.version !== VERSION) return undefined;
    const { edition } = head as { readonly version: number; readonly edition: string };
    const rebuild = new Rebuild<Config>(undefined);
    for (const steps of frames) {
      if (steps === null) return { edition, config: rebuild.finish() };
      rebuild.take(steps as readonly Step[]);
    }
    return undefined;
  } catch {
    return undefined; // not there, or torn
  }
}

function* framesOf(octets: Buffer): Generator<unknown> {
  for (let at = 0; at < octets.length; ) {
    const body = at + LENGTH_OCTETS;
    const end = body + octets.readUInt32LE(at);
    yield deserialize(octets.subarray(body, end));
    at = end;
  }
}

export const removeAccepted = (path: string): void => rmSync(path, { force: true });
