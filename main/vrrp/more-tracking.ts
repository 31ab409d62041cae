import type { MoreTrackers, TrackRef } from "../config/model-vrrp.js";
import { fileEffect } from "./track-file.js";
import { type Contribution, contribution, type Fault, type Standing } from "./tracking.js";

/** Files, processes, BFD sessions and quorums, as the instances that track them see them. */
export interface TrackerView {
  /** The number in the file; undefined: not read yet. */
  file(name: string): number | undefined;
  /** Of the quorum; init: not counted yet. */
  process(name: string): Standing;
  /** Undefined: nobody runs BFD sessions, so tracking them has no effect. */
  bfd(name: string): Standing | undefined;
  /** Of a virtual server: up until somebody says otherwise. */
  quorum(name: string): "up" | "down";
}

export interface MoreTracking {
  readonly faults: readonly Fault[];
  readonly waiting: readonly string[];
  readonly contributions: readonly Contribution[];
}

const none: readonly TrackRef[] = [];
const unread = { fault: false, delta: 0 };
const empty: MoreTracking = { faults: [], waiting: [], contributions: [] };

/** What trackers beyond interfaces and scripts do to an instance. Pure. */
export function trackMore({ files, processes, bfds, quorums = none }: MoreTrackers, view: TrackerView): MoreTracking {
  if (files.length === 0 && processes.length + bfds.length + quorums.length === 0) return empty;
  const faults: Fault[] = [];
  const waiting: string[] = [];
  const contributions: Contribution[] = [];
  for (const { name, weight, reverse } of files) {
    const value = view.file(name);
    const { fault, delta } = value === undefined ? unread : fileEffect(value, weight, reverse);
    if (value === undefined) waiting.push(name);
    if (fault) faults.push({ kind: "tracker", tracker: "file", name });
    if (weight === 0) continue;
    const state = value === undefined ? "init" : "up";
    contributions.push({ tracker: "file", name, state, value: value ?? 0, delta });
  }
  for (const [tracker, tracks] of [
    ["process", processes],
    ["bfd", bfds],
    ["quorum", quorums],
  ] as const) {
    for (const track of tracks) {
      const state = view[tracker](track.name);
      if (state === undefined) continue;
      if (track.weight !== 0) contributions.push(contribution(tracker, track, state));
      else if (state === "init") waiting.push(track.name);
      else if (state === (track.reverse ? "up" : "down")) faults.push({ kind: "tracker", tracker, name: track.name });
    }
  }
  return { faults, waiting, contributions };
}
