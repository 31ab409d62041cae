import type { Diagnostics } from "../diagnostics.js";
import type { TrackDraft } from "../keywords/track-line.js";
import type { DeclaredBefore, TrackLists } from "../keywords/vrrp-instance-draft.js";
import type { VrrpScriptConfig } from "../model.js";
import type { MoreTrackers, TrackFileConfig, TrackProcessConfig, TrackRef } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";
import { didYouMean } from "../suggest.js";

/** What may be tracked. `places`: by name, where each was declared among its kind, usable or not. */
export interface Trackable {
  readonly scripts: ReadonlyMap<string, VrrpScriptConfig>;
  readonly files: ReadonlyMap<string, TrackFileConfig>;
  readonly processes: ReadonlyMap<string, TrackProcessConfig>;
  readonly bfds: ReadonlyMap<string, TrackRef>;
  readonly places: Readonly<Record<keyof DeclaredBefore, ReadonlyMap<string, number>>>;
}

export const byName = <T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
  new Map(list.map((thing) => [thing.name, thing] as const).reverse());

/** Of equal names the first counts. */
export const placesOf = (list: readonly { readonly name: string }[]): ReadonlyMap<string, number> =>
  new Map(list.map(({ name }, place) => [name, place] as const).reverse());

export interface TrackContext {
  readonly host: ConfigHost;
  readonly dynamic: boolean;
  readonly diagnostics: Diagnostics;
  readonly trackable: Trackable;
}

export interface Tracks {
  readonly trackInterfaces: readonly TrackRef[];
  readonly trackScripts: readonly TrackRef[];
  readonly track: MoreTrackers;
}

interface TrackingDraft extends TrackLists {
  readonly name: string;
  readonly declared: DeclaredBefore;
}

/** The trackers of an instance or a group, with what each inherits from the thing that it names. */
export function finishTracks(draft: TrackingDraft, context: TrackContext): Tracks {
  const { scripts, files, processes, bfds } = context.trackable;
  const named = <T extends { name: string; weight: number; reverse: boolean }>(
    tracks: readonly TrackDraft[],
    kind: Kind,
    things: ReadonlyMap<string, T>,
  ): readonly TrackRef[] =>
    withoutRepeats(draft, tracks, kind.what, context.diagnostics).flatMap((track) => {
      if (!isDeclared(draft, track, kind, context)) return [];
      const thing = things.get(track.name);
      if (thing === undefined) return notUsable(draft, track, kind, context.diagnostics);
      return [{ name: track.name, weight: track.weight ?? thing.weight, reverse: track.reverse ?? thing.reverse }];
    });
  return {
    trackInterfaces: trackedInterfaces(draft, context),
    trackScripts: named(draft.trackScripts, kinds.script, scripts),
    track: {
      files: named(draft.trackFiles, kinds.file, files),
      processes: named(draft.trackProcesses, kinds.process, processes),
      bfds: named(draft.trackBfds, kinds.bfd, bfds),
      ...quorumsOf(draft, context.diagnostics),
    },
  };
}

/** Whether there are such virtual servers is known later: vrrp-quorums.ts. */
function quorumsOf(draft: TrackingDraft, diagnostics: Diagnostics): Pick<MoreTrackers, "quorums"> {
  const tracks = withoutRepeats(draft, draft.trackQuorums, "track quorum", diagnostics);
  if (tracks.length === 0) return {};
  return { quorums: tracks.map(({ name, weight = 0, reverse = false }) => ({ name, weight, reverse })) };
}

interface Kind {
  readonly what: string;
  readonly block: string;
  readonly count: keyof DeclaredBefore;
}

const kinds = {
  script: { what: "track script", block: "vrrp_script", count: "scripts" },
  file: { what: "track file", block: "track_file", count: "files" },
  process: { what: "track process", block: "vrrp_track_process", count: "processes" },
  bfd: { what: "track bfd", block: "bfd_instance", count: "bfds" },
} as const satisfies Record<string, Kind>;

function isDeclared(draft: TrackingDraft, { name, at }: TrackDraft, kind: Kind, context: TrackContext): boolean {
  const { diagnostics, trackable } = context;
  const places = trackable.places[kind.count];
  const place = places.get(name);
  if (place === undefined) {
    const hint = didYouMean(name, places.keys()) ?? `write: ${kind.block} ${name} { ... }`;
    const message = `(${draft.name}) ${kind.what} ${name} not found, ignoring...`;
    diagnostics.error("CFG_UNKNOWN_NAME", at, message, hint);
    return false;
  }
  if (place >= draft.declared[kind.count]) {
    const message = `(${draft.name}) ${kind.what} ${name} is declared further on; keepalived does not find it there`;
    diagnostics.warn("CFG_ADJUSTED", at, message, `move ${kind.block} ${name} before this block`);
  }
  return true;
}

function notUsable(draft: TrackingDraft, { name, at }: TrackDraft, { what }: Kind, diagnostics: Diagnostics): [] {
  const message = `(${draft.name}) ${what} ${name} not found, ignoring...`;
  diagnostics.warn("CFG_TRACK_SCRIPT", at, message, `see the message about ${name} itself`);
  return [];
}

function trackedInterfaces(draft: TrackingDraft, { dynamic, host, diagnostics }: TrackContext): readonly TrackRef[] {
  return withoutRepeats(draft, draft.trackInterfaces, "tracked interface", diagnostics).flatMap((track) => {
    if (!dynamic && !host.interfaceExists(track.name)) {
      const message = `(${draft.name}) tracked interface ${track.name} doesn't exist`;
      diagnostics.error("CFG_INTERFACE", track.at, message, "correct the name; it is not tracked");
      return [];
    }
    return [{ name: track.name, weight: track.weight ?? 0, reverse: track.reverse ?? false }];
  });
}

function withoutRepeats(
  { name: of }: TrackingDraft,
  tracks: readonly TrackDraft[],
  what: string,
  diagnostics: Diagnostics,
): readonly TrackDraft[] {
  const seen = new Set<string>();
  return tracks.filter(({ name, at }) => {
    if (seen.has(name)) {
      const message = `(${of}) ${what} ${name} is given twice; the first one is used`;
      diagnostics.error("CFG_DUPLICATE", at, message, "remove one of them");
      return false;
    }
    seen.add(name);
    return true;
  });
}

/**
 * Trackers with a weight are of no use to who cannot change priority. `demoted`: whose weight becomes 0,
 * where the others are dropped. Processes keep theirs, as in keepalived.
 */
export function withoutWeights(
  { name, at }: { readonly name: string; readonly at: TrackDraft["at"] },
  tracks: Tracks,
  why: string,
  demoted: { readonly interfaces: boolean; readonly files: boolean },
  diagnostics: Diagnostics,
): Tracks {
  const without = (what: string, list: readonly TrackRef[], keeps: (track: TrackRef) => boolean): readonly TrackRef[] =>
    list.flatMap((track) => {
      if (track.weight === 0) return [track];
      const kept = keeps(track);
      const message = `(${name}) ignoring ${kept ? "weight of " : ""}tracked ${what} ${track.name} with weight ${track.weight} due to ${why}`;
      diagnostics.warn("CFG_ADJUSTED", at, message, "remove the weight, so that it means a fault");
      return kept ? [{ ...track, weight: 0 }] : [];
    });
  const { files, bfds, processes, quorums } = tracks.track;
  return {
    trackInterfaces: without("interface", tracks.trackInterfaces, () => demoted.interfaces),
    trackScripts: without("script", tracks.trackScripts, () => false),
    track: {
      files: without("file", files, ({ weight }) => demoted.files && weight === 1),
      processes,
      bfds: without("bfd", bfds, () => false),
      ...(quorums === undefined ? {} : { quorums: without("quorum", quorums, () => false) }),
    },
  };
}
