import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { acceptedFrames, unfinishedCopy } from "../config/accepted.js";
import { answerLoad, type Kept, type LoadOrder } from "../config/config-protocol.js";
import { createHost } from "../config/host.js";
import type { Config } from "../config/model.js";
import { ownTexts } from "../config/own-texts.js";
import { errnoName } from "../errors.js";
import { nextTurn } from "../turn.js";
import type { FirstResult } from "./reload.js";

/**
 * Reads the configuration in this thread: at the first start there is nothing yet that it could hold up, and a thread of its own has
 * to start, to load Node's modules once more, and to hand over a copy of all that it read.
 */
export function readConfigHere(order: LoadOrder): FirstResult {
  const findings: string[] = [];
  const copy = {
    read: () => undefined,
    readAny: () => undefined,
    save: () => ({ edition: undefined, reason: undefined }),
  };
  for (const answer of answerLoad(order, createHost({ configId: order.configId }), copy)) {
    if (answer.kind === "findings") findings.push(...answer.lines);
    else if (answer.kind === "whole") {
      const { config } = answer;
      ownTexts(config);
      return { kind: "good", config, findings, keep: () => keepCopy(order.keepAt, config) };
    }
  }
  return { kind: "missing", findings };
}

/** The copy of what is in force, a frame per turn of the loop; files are written beside it. */
async function keepCopy(path: string | undefined, config: Config): Promise<Kept> {
  if (path === undefined) return { edition: undefined, reason: undefined };
  const edition = randomUUID();
  const unfinished = unfinishedCopy(path);
  try {
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    try {
      await writeFrames(file, acceptedFrames(edition, config));
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    return { edition };
  } catch (error) {
    const reason = errnoName(error);
    if (reason === undefined) throw error;
    return { edition: undefined, reason };
  }
}

async function writeFrames(file: FileHandle, frames: Iterable<Buffer>): Promise<void> {
  for (const octets of frames) {
    for (let at = 0; at < octets.length; ) at += (await file.write(octets, at)).bytesWritten;
    await nextTurn();
  }
}
