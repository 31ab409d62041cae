import { createHost } from "../../../main/config/host.js";
import { type LoadResult, loadConfig } from "../../../main/config/load.js";
import { interfaces } from "../../harness/reference-config.js";
import type { CorpusFile } from "./corpus.js";

/** Reads a file of the corpus as our daemon would on the machine that keepalived sees. */
export function loadCorpusFile({ path, configId, environment }: CorpusFile): LoadResult {
  return loadConfig(path, {
    ...createHost({ configId }),
    interfaceExists: (name) => interfaces.includes(name),
    environment: (name) => environment[name] ?? process.env[name],
  });
}
