import { type Diagnostic, Diagnostics } from "./diagnostics.js";
import { type ConfigDraft, newConfigDraft, rootScope } from "./keywords/root.js";
import type { Config } from "./model.js";
import type { ConfigHost } from "./ports.js";
import { readStatements } from "./reader.js";
import { rememberingHost } from "./remembering-host.js";
import { ScriptResolver } from "./scripts.js";
import { type SourceOptions, StatementSource } from "./statement-source.js";
import { finishGlobal } from "./validate/global.js";
import { finishLvs } from "./validate/lvs.js";
import { finishProcess } from "./validate/process.js";
import { adviseTunnelSources } from "./validate/tunnel-sources.js";
import { finishVrrp } from "./validate/vrrp.js";
import { withKnownQuorums } from "./validate/vrrp-quorums.js";

export interface LoadResult {
  /**
   * What could be understood, with defaults filled in: a start runs it in spite of errors, as keepalived does, a
   * reload does not when a diagnostic is an error. Undefined when there was no file to read.
   */
  readonly config: Config | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The file itself does not exist or cannot be read. */
  readonly missing: boolean;
  /** All files read, the main one first, includes in reading order. */
  readonly files: readonly string[];
}

export type LoadOptions = SourceOptions;

/** Reads and checks a configuration. `file` may hold wildcards. Never throws on any content. */
export function loadConfig(file: string, host: ConfigHost, options: LoadOptions = {}): LoadResult {
  const diagnostics = new Diagnostics();
  const source = new StatementSource(file, host, diagnostics, options);
  const { missing, files } = source;
  if (missing) return { config: undefined, diagnostics: diagnostics.finish(), missing, files };
  const draft = newConfigDraft();
  readStatements(source, rootScope, draft, diagnostics);
  const config = finishConfig(draft, rememberingHost(host), diagnostics);
  return { config, diagnostics: diagnostics.finish(), missing, files };
}

/** `global_defs` may stand anywhere, so everything is inherited only now. */
function finishConfig(draft: ConfigDraft, host: ConfigHost, diagnostics: Diagnostics): Config {
  const { global } = draft;
  const resolver = new ScriptResolver(global, host, diagnostics);
  const context = { global, host, diagnostics, resolver };
  const { vrrpInstances: instances, virtualServers } = draft;
  const others = { instances, hasVrrp: instances.length > 0, hasLvs: virtualServers.length > 0 };
  const vrrp = finishVrrp(draft, context);
  const lvs = finishLvs(draft, { ...context, trackFiles: vrrp.trackers.files });
  const config: Config = {
    process: finishProcess(draft.process),
    global: finishGlobal(global, { ...context, ...others }),
    ...withKnownQuorums(vrrp, draft, lvs.virtualServers, diagnostics),
    ...lvs,
  };
  adviseTunnelSources(config, diagnostics);
  resolver.finish();
  return config;
}
