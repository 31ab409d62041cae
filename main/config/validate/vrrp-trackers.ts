import { dirname } from "node:path/posix";
import { ms } from "../../units.js";
import type { TrackFileDraft, TrackProcessDraft } from "../keywords/vrrp-trackers.js";
import type { TrackFileConfig, TrackProcessConfig } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";
import type { LookUp } from "./names.js";

/** Track files with their defaults; without a path, or in a directory that is not there, they are left out. */
export function finishTrackFiles(drafts: readonly TrackFileDraft[], lookUp: LookUp): readonly TrackFileConfig[] {
  const folders = new Map<string, boolean | undefined>(); // a thousand files are usually in one
  return firstOfEach(drafts, "track_file", lookUp).flatMap(({ name, at, path, weight, reverse, init }) => {
    const { host, diagnostics } = lookUp;
    if (path === undefined || path === "") {
      const message = `No file set for track_file ${name} - removing`;
      diagnostics.error("CFG_INCOMPLETE", at, message, 'write: file "<path>"');
      return [];
    }
    const folder = dirname(path.startsWith("/") ? path : `${host.workingDirectory}/${path}`);
    const isThere = folders.has(folder) ? folders.get(folder) : isFolder(folder, host);
    if (isThere === undefined && !folders.has(folder)) {
      const message = `track file ${name}: directory ${folder} does not answer - taking it as there`;
      diagnostics.warn(
        "CFG_ADVICE",
        at,
        message,
        `look whether ls ${folder} ends; until it does, the file counts as 0`,
      );
    }
    folders.set(folder, isThere);
    if (isThere === false) {
      const message = `track file ${name}: directory ${folder} does not exist - removing`;
      diagnostics.error("CFG_BAD_VALUE", at, message, `create ${folder}, or correct the path`);
      return [];
    }
    return [{ name, path, weight: weight ?? 1, reverse: reverse ?? false, init }];
  });
}

const isFolder = (path: string, host: ConfigHost): boolean | undefined =>
  host.answers?.(path) === false ? undefined : host.stat(path)?.kind === "directory";

export function finishTrackProcesses(
  drafts: readonly TrackProcessDraft[],
  lookUp: LookUp,
): readonly TrackProcessConfig[] {
  return firstOfEach(drafts, "vrrp_track_process", lookUp).flatMap((draft) => {
    if (draft.command === undefined) {
      const message = `track process '${draft.name}' process name not specified - removing`;
      lookUp.diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: process <command>");
      return [];
    }
    const [command, ...parameters] = draft.command;
    return [
      {
        name: draft.name,
        command,
        parameters,
        match: draft.match ?? (parameters.length > 0 ? "exact" : "none"),
        weight: draft.weight ?? 0,
        reverse: draft.reverse ?? false,
        quorum: draft.quorum ?? 1,
        quorumMax: draft.quorumMax,
        forkDelay: draft.forkDelay ?? ms(0),
        terminateDelay: draft.terminateDelay ?? ms(0),
        // Parameters stand on the command line only.
        fullCommand: draft.fullCommand ?? parameters.length > 0,
      },
    ];
  });
}

/** keepalived does not look for repeated names, and finds the first. */
function firstOfEach<T extends { readonly name: string; readonly at: TrackFileDraft["at"] }>(
  drafts: readonly T[],
  block: string,
  { diagnostics }: LookUp,
): readonly T[] {
  const seen = new Set<string>();
  return drafts.filter(({ name, at }) => {
    if (!seen.has(name)) {
      seen.add(name);
      return true;
    }
    const message = `${block} ${name} already defined; the first one is used`;
    diagnostics.warn("CFG_ADVICE", at, message, "give each its own name");
    return false;
  });
}
