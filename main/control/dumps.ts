import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/model.js";
import { errnoName } from "../errors.js";
import { bfdData } from "../observe/bfd-data.js";
import { checkData } from "../observe/check-data.js";
import type { DumpFiles, DumpText } from "../observe/dump-files.js";
import { stateDumpName } from "../observe/dump-names.js";
import type { Log } from "../observe/log.js";
import { vrrpData } from "../observe/vrrp-data.js";
import { vrrpJson } from "../observe/vrrp-json.js";
import { vrrpStats } from "../observe/vrrp-stats.js";
import { unreachable } from "../unreachable.js";
import type { BfdSide } from "./bfd-side.js";
import type { LvsSide } from "./lvs-side.js";
import { checkerDump } from "./lvs-view.js";
import type { Request } from "./signals.js";
import type { VrrpSide } from "./vrrp-side.js";

export type DumpRequest = Extract<Request, "dump-data" | "dump-stats" | "dump-stats-and-clear" | "dump-json">;

export interface DumpSources {
  readonly config: Config;
  readonly vrrp: VrrpSide | undefined;
  readonly lvs: LvsSide | undefined;
  readonly bfd: BfdSide | undefined;
}

/** Writes what a signal asked for, beside the main path. A file that cannot be written is one line in the log. */
export async function writeDump(request: DumpRequest, files: DumpFiles, sources: DumpSources, log: Log): Promise<void> {
  for (const [name, text] of contents(request, sources)) {
    try {
      await files.write(name, text);
    } catch (error) {
      const reason = errnoName(error);
      if (reason === undefined) throw error;
      const sentence = `Cannot write ${name}: ${reason} - check its directory (without a / in front: the one that TMPDIR names), and its free space`;
      log("error", "dump.failed", sentence, { file: name, reason });
    }
  }
  if (request === "dump-stats-and-clear") sources.vrrp?.clearStats();
}

/** One of the files that config_save_dir asks for: `keepalived_vrrp.PID.NUMBER.pre`. */
export interface SavedState {
  readonly directory: string;
  readonly number: number;
  readonly when: "pre" | "post";
}

/** Writes the state of both sides beside the main path; the directory is made when it is not there. */
export async function writeSavedState(
  { directory, number, when }: SavedState,
  files: DumpFiles,
  { config, vrrp, lvs }: DumpSources,
  log: Log,
): Promise<void> {
  const name = (side: string): string => join(directory, `keepalived_${side}.${process.pid}.${number}.${when}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    if (vrrp !== undefined) await files.write(name("vrrp"), async () => vrrpData(config.global, await vrrp.fullDump()));
    if (lvs !== undefined) await files.write(name("check"), () => checkData(config.global, checkerDump(lvs, config)));
  } catch (error) {
    const reason = errnoName(error);
    if (reason === undefined) throw error;
    const sentence = `Cannot write to config_save_dir ${directory}: ${reason} - check the directory and its free space`;
    log("error", "dump.failed", sentence, { directory, reason });
  }
}

type DataPart = "" | "_check" | "_bfd";
type Contents = readonly (readonly [name: string, text: DumpText])[];

/** Configuration and state, each kind for itself. */
export const dataTexts = (sources: DumpSources): readonly DumpText[] => dataContents(sources).map(([, text]) => text);

function dataContents({ config, vrrp, lvs, bfd }: DumpSources): readonly (readonly [DataPart, DumpText])[] {
  const { global } = config;
  const found: (readonly [DataPart, DumpText])[] = [];
  if (vrrp !== undefined) found.push(["", async () => vrrpData(global, await vrrp.fullDump())]);
  if (lvs !== undefined) found.push(["_check", () => checkData(global, checkerDump(lvs, config))]);
  if (bfd !== undefined) found.push(["_bfd", () => bfdData(global, bfd.dumps())]);
  return found;
}

function contents(request: DumpRequest, sources: DumpSources): Contents {
  const { config, vrrp } = sources;
  const { files } = config.global;
  const name = (part: DataPart): string => stateDumpName(part, files, config.process);
  switch (request) {
    case "dump-data":
      return dataContents(sources).map(([part, text]) => [name(part), text] as const);
    case "dump-json":
      return vrrp === undefined
        ? []
        : [["keepalived.json", async () => vrrpJson(await vrrp.dump(), files.jsonVersion)]];
    case "dump-stats":
    case "dump-stats-and-clear": {
      if (vrrp === undefined) return [];
      const dump = vrrp.dump(); // before the counters are cleared
      return [["keepalived.stats", async () => vrrpStats(await dump)]];
    }
    default:
      return unreachable(request);
  }
}
