import type { Config, VirtualServerConfig } from "../config/model.js";
import { errnoName } from "../errors.js";
import type { VirtualServerSnapshot } from "../health/snapshot.js";
import { checkData, type VirtualServerDump } from "../observe/check-data.js";
import type { DumpFiles } from "../observe/dump-files.js";
import { stateDumpName } from "../observe/dump-names.js";
import type { Log } from "../observe/log.js";
import { vrrpData } from "../observe/vrrp-data.js";
import { vrrpJson } from "../observe/vrrp-json.js";
import { vrrpStats } from "../observe/vrrp-stats.js";
import { unreachable } from "../unreachable.js";
import type { LvsSide } from "./lvs-side.js";
import type { Request } from "./signals.js";
import type { VrrpSide } from "./vrrp-side.js";

export type DumpRequest = Extract<Request, "dump-data" | "dump-stats" | "dump-stats-and-clear" | "dump-json">;

export interface DumpSources {
  readonly config: Config;
  readonly vrrp: VrrpSide | undefined;
  readonly lvs: LvsSide | undefined;
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

type Contents = readonly (readonly [name: string, text: () => Iterable<string>])[];

function contents(request: DumpRequest, { config, vrrp, lvs }: DumpSources): Contents {
  const { files } = config.global;
  const name = (part: "" | "_check"): string => stateDumpName(part, files, config.process);
  switch (request) {
    case "dump-data":
      return [
        ...(vrrp === undefined ? [] : [[name(""), () => vrrpData(config.global, vrrp.dump())] as const]),
        ...(lvs === undefined ? [] : [[name("_check"), () => checkData(config.global, serverDumps(lvs))] as const]),
      ];
    case "dump-json":
      return vrrp === undefined ? [] : [["keepalived.json", () => vrrpJson(vrrp.dump(), files.jsonVersion)]];
    case "dump-stats":
    case "dump-stats-and-clear": {
      if (vrrp === undefined) return [];
      const dump = vrrp.dump(); // before the counters are cleared
      return [["keepalived.stats", () => vrrpStats(dump)]];
    }
    default:
      return unreachable(request);
  }
}

function* serverDumps(lvs: LvsSide): Generator<VirtualServerDump> {
  for (const { config, snapshot } of lvs.virtualServers()) yield serverDump(config, snapshot);
}

function serverDump(config: VirtualServerConfig, snapshot: VirtualServerSnapshot): VirtualServerDump {
  const realServers = snapshot.realServers.map(({ alive, weight }) => ({ alive, effectiveWeight: weight }));
  return { config, quorumUp: snapshot.quorum === "up", realServers };
}
