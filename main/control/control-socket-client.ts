import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { asQuestion, suggesting } from "../config/suggest.js";
import { inSlices } from "../health/slices.js";
import type { GiveWaySource } from "./give-way.js";
import type { ServersSource } from "./servers.js";
import type { StatusSource } from "./status.js";
import { jsonPieces } from "./status-json.js";
import type { UpgradeSource } from "./upgrade.js";
import type { WhySource } from "./why.js";

const MAX_REQUEST_CHARS = 4096;
/** Requests of one client that wait for their turn. */
const MAX_WAITING = 16;
/** Text made before it is handed to the socket; also what one slow reader can cost. */
const CHUNK_CHARS = 64 * 1024;
/** Main thread time spent on an answer before VRRP gets its turn. */
const SLICE_MS = 1;
/** A client that asks nothing for this long is dropped. One that waits for its answer stays: an upgrade takes as long. */
export const IDLE_MS = 30_000;
/** A client that does not read its answer for this long is dropped. */
const READ_MS = 5_000;

/** What may be asked for. */
export interface Sources {
  readonly status: StatusSource;
  /** Undefined: there are no virtual servers to ask about. */
  readonly servers: ServersSource | undefined;
  /** Undefined: there is nothing to ask about. */
  readonly why: WhySource | undefined;
  /** Undefined: nothing to replace. */
  readonly upgrade: UpgradeSource | undefined;
  /** Undefined: nothing to give way with. */
  readonly giveWay: GiveWaySource | undefined;
}

/** One connection to the control socket. Answers in order, in slices, and never more than one chunk ahead of the reader. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #sources: Sources;
  readonly #gone = new AbortController();
  #partial = "";
  #waiting: string[] = [];
  #phase: "idle" | "answering" = "idle";
  /** It has nothing more to ask. */
  #isLast: boolean = false;

  constructor(socket: Socket, sources: Sources, idle: number) {
    this.#socket = socket;
    this.#sources = sources;
    socket.setEncoding("utf8");
    socket.setTimeout(idle, () => this.#phase === "idle" && socket.destroy());
    socket.on("data", (chunk: string) => this.#receive(chunk));
    socket.on("end", () => this.#finish());
    socket.on("error", () => socket.destroy()); // the client went away; nobody else is concerned
    socket.on("close", () => this.#gone.abort());
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    const lines = (this.#partial + chunk).split("\n");
    this.#partial = lines.pop() ?? "";
    this.#waiting.push(...lines.filter((line) => line.trim() !== ""));
    const tooLong = [this.#partial, ...lines].some((line) => line.length > MAX_REQUEST_CHARS);
    if (tooLong) this.#refuse(`a request is longer than ${MAX_REQUEST_CHARS} characters`);
    else if (this.#waiting.length > MAX_WAITING) this.#refuse(`more than ${MAX_WAITING} requests wait`);
    else if (this.#phase === "idle") void this.#work();
  }

  /** A last line needs no line feed. */
  #finish(): void {
    if (!this.#socket.writable) return; // refused, and gone in a moment
    this.#isLast = true;
    if (this.#partial !== "") this.#receive("\n");
    else if (this.#phase === "idle") this.#socket.end();
  }

  #refuse(reason: string): void {
    this.#waiting = [];
    this.#socket.removeAllListeners("data");
    this.#socket.end(`${JSON.stringify({ error: reason })}\n`, () => this.#socket.destroy());
  }

  async #work(): Promise<void> {
    this.#phase = "answering";
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      if (!(await this.#answer(request))) break;
    }
    this.#phase = "idle";
    if (this.#isLast) this.#socket.end();
  }

  /** @returns false when the client is gone */
  async #answer(request: string): Promise<boolean> {
    const pieces = await piecesOf(request, this.#sources);
    const text: Slice = { chunk: "", until: performance.now() + SLICE_MS };
    if (Symbol.iterator in pieces) {
      for (const piece of pieces) if (isFull(text, piece) && !(await this.#flush(text))) return false;
    } else {
      for await (const piece of pieces) if (isFull(text, piece) && !(await this.#flush(text))) return false;
    }
    return this.#write(`${text.chunk}\n`);
  }

  async #flush(text: Slice): Promise<boolean> {
    if (!(await this.#write(text.chunk))) return false;
    await nextTurn();
    text.chunk = "";
    text.until = performance.now() + SLICE_MS;
    return true;
  }

  async #write(text: string): Promise<boolean> {
    if (!this.#socket.writable) return false;
    if (this.#socket.write(text)) return true;
    const signal = AbortSignal.any([this.#gone.signal, AbortSignal.timeout(READ_MS)]);
    try {
      await once(this.#socket, "drain", { signal });
      return true;
    } catch {
      this.#socket.destroy(); // too slow, or gone
      return false;
    }
  }
}

/** Text that is not written yet. */
interface Slice {
  chunk: string;
  until: number;
}

function isFull(text: Slice, piece: string): boolean {
  text.chunk += piece;
  return text.chunk.length >= CHUNK_CHARS || performance.now() > text.until;
}

async function piecesOf(line: string, sources: Sources): Promise<Iterable<string> | AsyncIterable<string>> {
  const request = parse(line);
  const servers = request?.get === "servers" ? sources.servers?.() : undefined;
  return servers ?? jsonPieces(await answerTo(request, sources));
}

/** An answer is `{"status": ...}`, `{"servers": ...}`, `{"why": ...}`, `{"upgrade": ...}`, `{"giveWay": ...}` or `{"error": sentence}`. */
async function answerTo(
  request: Request | null | undefined,
  { status, why, upgrade, giveWay }: Sources,
): Promise<unknown> {
  if (request === undefined) return { error: "the request is not JSON" };
  if (request?.get === "status") return { status: await status() };
  if (request?.get === "upgrade" && upgrade !== undefined) return await upgrade();
  if (request?.get === "give-way" && giveWay !== undefined) return await giveWay();
  if (request?.get === "why" && request.instance !== undefined) return await answerWhy(request.instance, why);
  const known =
    '{"get":"status"}, {"get":"servers"}, {"get":"why","instance":NAME}, {"get":"upgrade"}, {"get":"give-way"}';
  return { error: `unknown request - known: ${known}` };
}

/** Names that an error lists. */
const MOST_NAMES = 20;

async function answerWhy(instance: string, why: WhySource | undefined): Promise<unknown> {
  const answer = (await why?.(instance)) ?? { known: [] };
  if (!("known" in answer)) return { why: answer };
  const { known, members } = answer;
  if (members !== undefined) return { error: `${instance} is a sync group - ask for a member: ${listed(members)}` };
  const names = known.length === 0 ? "there are none" : `there are ${listed(known)}`;
  const question = asQuestion(await nearest(instance, known));
  const shown = /^[!-~][ -~]*$/.test(instance) ? instance : JSON.stringify(instance); // one line, whatever was asked
  return { error: `there is no instance or server ${shown} - ${question ?? names}` };
}

function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? `, and ${names.length - MOST_NAMES} more` : "";
  return `${names.slice(0, MOST_NAMES).join(", ")}${more}`;
}

/** Names are long, and may be thousands: in slices. */
async function nearest(instance: string, known: readonly string[]): Promise<string | undefined> {
  let name: string | undefined;
  await inSlices(
    (function* () {
      name = yield* suggesting(instance, known);
    })(),
  );
  return name;
}

interface Request {
  readonly get: string;
  readonly instance: string | undefined;
}

/** @returns null for JSON that is no request, undefined for no JSON */
function parse(line: string): Request | null | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("get" in value)) return null;
    if (typeof value.get !== "string") return null;
    const instance = "instance" in value && typeof value.instance === "string" ? value.instance : undefined;
    return { get: value.get, instance };
  } catch {
    return undefined;
  }
}
