import { randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { endSoon, withCeiling } from "../../native-bindings/scheduling.js";
import { errnoName } from "../errors.js";
import { unreachable } from "../unreachable.js";
import { keepBefore, readAccepted, readEarlier, saveAccepted } from "./accepted.js";
import type { AcceptedCopy, FromConfigWorker, Kept, ToConfigWorker } from "./config-protocol.js";
import { answerLoad } from "./config-protocol.js";
import { createHost } from "./host.js";
import type { Config } from "./model.js";

/** As for checks. */
const NICE = 5;

/** Entry of the config worker. Reading, checking and comparing never happen in the main thread. */
const port = parentPort;
if (port === null) throw new Error("config-worker.js is started as a worker thread");

let answers: Iterator<FromConfigWorker> | undefined;

port.on("message", (message: ToConfigWorker) => {
  const answer = answerTo(message);
  if (answer.kind === "end") endSoon();
  if (answer.kind === "whole")
    port.postMessage(answer); // large: it takes long to be put into words, and nobody is in a hurry yet
  else withCeiling(() => port.postMessage(answer));
});

function answerTo(message: ToConfigWorker): FromConfigWorker {
  switch (message.kind) {
    case "load": {
      const { configId, keepAt, purpose } = message;
      if (purpose === "reload") lowerPriority();
      answers = answerLoad(message, createHost({ configId, patience: "bounded" }), copyAt(keepAt));
      return next();
    }
    case "next":
      return next();
    default:
      return unreachable(message);
  }
}

function next(): FromConfigWorker {
  const answer = answers?.next();
  if (answer === undefined || answer.done === true) throw new Error("asked for more than there is");
  return answer.value;
}

function copyAt(keepAt: string | undefined): AcceptedCopy {
  return {
    read: (edition) => (keepAt === undefined ? undefined : readAccepted(keepAt, edition)),
    earlier: () => (keepAt === undefined ? [] : readEarlier(keepAt)),
    save: (config) => save(config, keepAt),
  };
}

function save(config: Config, keepAt: string | undefined): Kept {
  if (keepAt === undefined) return { edition: undefined, reason: undefined };
  const edition = randomUUID();
  try {
    keepBefore(keepAt);
    saveAccepted(keepAt, edition, config);
    return { edition };
  } catch (error) {
    const reason = errnoName(error);
    if (reason === undefined) throw error;
    return { edition: undefined, reason };
  }
}

/** A parser must not take the processor from adverts. setpriority(2) takes a thread's id, which /proc tells. */
function lowerPriority(): void {
  try {
    setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), NICE);
  } catch {
    // no /proc: it runs like all others
  }
}
