import { type Diagnostic, Diagnostics } from "./diagnostics.js";
import { virtualServerKey } from "./identity.js";
import { type ConfigDraft, newConfigDraft, rootScope } from "./keywords/root.js";
import { lexLine, type Statement } from "./lexer.js";
import type { Config, RealServerConfig, VirtualServerConfig } from "./model.js";
import type { ConfigHost } from "./ports.js";
import { preprocess } from "./preprocess.js";
import { readStatements } from "./reader.js";
import { ScriptResolver } from "./scripts.js";
import { finishGlobal } from "./validate/global.js";
import { finishVirtualServer } from "./validate/virtual-server.js";
import { withoutVridClashes } from "./validate/vrrp-clashes.js";
import { finishVrrpInstance } from "./validate/vrrp-instance.js";
import { finishVrrpScripts } from "./validate/vrrp-script.js";

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

/** Reads and checks a configuration. `file` may hold wildcards. Never throws on any content. */
export function loadConfig(file: string, host: ConfigHost): LoadResult {
  const diagnostics = new Diagnostics();
  const { lines, files, missing } = preprocess(file, host, diagnostics);
  if (missing) return { config: undefined, diagnostics: diagnostics.finish(), missing, files };
  const statements: Statement[] = [];
  for (const line of lines) lexLine(line, diagnostics, statements);
  const draft = newConfigDraft();
  readStatements(statements, rootScope, draft, diagnostics);
  const config = finishConfig(draft, host, diagnostics);
  return { config, diagnostics: diagnostics.finish(), missing, files };
}

/** `global_defs` may stand anywhere, so everything is inherited only now. */
function finishConfig(draft: ConfigDraft, host: ConfigHost, diagnostics: Diagnostics): Config {
  const { global } = draft;
  const resolver = new ScriptResolver(global, host, diagnostics);
  const scripts = finishVrrpScripts(draft.vrrpScripts, resolver, diagnostics);
  const declared = new Set(draft.vrrpScripts.map(({ name }) => name));
  const vrrp = { global, host, diagnostics, resolver, scripts, declared };
  const instances = draft.vrrpInstances.flatMap((instance) => finishVrrpInstance(instance, vrrp) ?? []);
  const lvs = { global, resolver, diagnostics };
  const servers = draft.virtualServers.flatMap((server) => finishVirtualServer(server, lvs) ?? []);
  const config: Config = {
    global: finishGlobal(global, host, diagnostics),
    vrrpScripts: scripts,
    vrrpInstances: withoutVridClashes(instances, diagnostics),
    virtualServers: mergeServices(servers, diagnostics),
  };
  resolver.finish();
  return config;
}

/** Two blocks for one service are one service with the real servers of both; the settings are those of the first. */
function mergeServices(
  servers: readonly VirtualServerConfig[],
  diagnostics: Diagnostics,
): readonly VirtualServerConfig[] {
  const merged = new Map<string, VirtualServerConfig>();
  for (const server of servers) {
    const key = virtualServerKey(server);
    const first = merged.get(key);
    if (first === undefined) merged.set(key, server);
    else {
      const message = `virtual_server ${key} is given twice; its real servers are added to the first one`;
      diagnostics.warn("CFG_ADVICE", server.at, message, "write all real servers into one block");
      merged.set(key, { ...first, realServers: uniqueServers([...first.realServers, ...server.realServers]) });
    }
  }
  return [...merged.values()];
}

function uniqueServers(servers: readonly RealServerConfig[]): readonly RealServerConfig[] {
  const seen = new Map<string, RealServerConfig>();
  for (const server of servers) {
    const key = `${server.address} ${server.port}`;
    if (!seen.has(key)) seen.set(key, server);
  }
  return [...seen.values()];
}
