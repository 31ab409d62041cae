import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { acceptedPieces, careful, unfinishedCopy } from "../config/accepted.js";
import { answerLoad, type Kept, type LoadOrder } from "../config/config-protocol.js";
import { createHost } from "../config/host.js";
import type { Config } from "../config/model.js";
import { ownTexts } from "../config/own-texts.js";
import { errnoName } from "../errors.js";
import { nextTurn } from "../turn.js";
import type { FirstResult } from "./reload.js";

/**
 * Reads the configuration in this thread: at the first start there is nothing yet that it could hold up, and a thread of its own has
 * to start, to load Node's modules once more, and to hand over a copy of all that it read. `keepAt`: where its copy will lie.
 */
export function readConfigHere(order: LoadOrder, keepAt?: (config: Config) => string): FirstResult {
  const findings: string[] = [];
  const copy = {
    read: () => undefined,
    earlier: () => [],
    save: () => ({ edition: undefined, reason: undefined }),
  };
  const host = createHost({ configId: order.configId, patience: "bounded" });
  for (const answer of answerLoad(order, host, copy)) {
    if (answer.kind === "findings") findings.push(...answer.lines);
    else if (answer.kind === "end" && answer.verdict.is === "errors") return { kind: "errors", findings };
    else if (answer.kind === "whole") {
      const { config } = answer;
      ownTexts(config);
      const keepAtOf = keepAt?.(config) ?? order.keepAt;
      return { kind: "good", config, findings, keep: (leaving) => keepCopy(keepAtOf, config, leaving) };
    }
  }
  return { kind: "missing", findings };
}

/** The copy of what is in force, a piece per turn of the loop; files are written beside it. */
async function keepCopy(path: string | undefined, config: Config, leaving?: AbortSignal): Promise<Kept> {
  if (path === undefined) return { edition: undefined, reason: undefined };
  const edition = randomUUID();
  const unfinished = unfinishedCopy(path);
  try {
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    try {
      await writePieces(file, acceptedPieces(edition, config, careful), leaving);
    } finally {
      await file.close();
    }
    if (leaving?.aborted) {
      await rm(unfinished, { force: true });
      return { edition: undefined, reason: undefined };
    }
    await rename(unfinished, path);
    return { edition };
  } catch (error) {
    const reason = errnoName(error);
    if (reason === undefined) throw error;
    return { edition: undefined, reason };
  }
}

async function writePieces(file: FileHandle, pieces: Iterable<Buffer>, leaving?: AbortSignal): Promise<void> {
  for (const octets of pieces) {
    if (leaving?.aborted) return;
    for (let at = 0; at < octets.length; ) at += (await file.write(octets, at)).bytesWritten;
    await nextTurn();
  }
}
