import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { didYouMean } from "../config/suggest.js";
import type { StatusSource } from "./status.js";
import { jsonPieces } from "./status-json.js";
import type { WhySource } from "./why.js";

const MAX_REQUEST_CHARS = 4096;
/** Requests of one client that wait for their turn. */
const MAX_WAITING = 16;
/** Text made before it is handed to the socket; also what one slow reader can cost. */
const CHUNK_CHARS = 64 * 1024;
/** Main thread time spent on an answer before VRRP gets its turn. */
const SLICE_MS = 1;
/** A client that says nothing, or does not read its answer, for this long is dropped. */
const IDLE_MS = 30_000;
const READ_MS = 5_000;

/** What may be asked for. */
export interface Sources {
  readonly status: StatusSource;
  /** Undefined: there is no VRRP to ask about. */
  readonly why: WhySource | undefined;
}

/** One connection to the control socket. Answers in order, in slices, and never more than one chunk ahead of the reader. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #sources: Sources;
  readonly #gone = new AbortController();
  #partial = "";
  #waiting: string[] = [];
  #phase: "idle" | "answering" = "idle";

  constructor(socket: Socket, sources: Sources) {
    this.#socket = socket;
    this.#sources = sources;
    socket.setEncoding("utf8");
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("data", (chunk: string) => this.#receive(chunk));
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
  }

  /** @returns false when the client is gone */
  async #answer(request: string): Promise<boolean> {
    const answer = await answerTo(request, this.#sources);
    let chunk = "";
    let sliceEnd = performance.now() + SLICE_MS;
    for (const piece of jsonPieces(answer)) {
      chunk += piece;
      const late = performance.now() > sliceEnd;
      if (chunk.length < CHUNK_CHARS && !late) continue;
      if (!(await this.#write(chunk))) return false;
      await nextTurn();
      chunk = "";
      sliceEnd = performance.now() + SLICE_MS;
    }
    return this.#write(`${chunk}\n`);
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

/** An answer is `{"status": ...}`, `{"why": ...}` or `{"error": sentence}`. */
async function answerTo(line: string, { status, why }: Sources): Promise<unknown> {
  const request = parse(line);
  if (request === undefined) return { error: "the request is not JSON" };
  if (request?.get === "status") return { status: await status() };
  if (request?.get === "why" && request.instance !== undefined) return answerWhy(request.instance, why);
  return { error: 'unknown request - known: {"get":"status"}, {"get":"why","instance":NAME}' };
}

/** Names that an error lists. */
const MOST_NAMES = 20;

function answerWhy(instance: string, why: WhySource | undefined): unknown {
  const answer = why?.(instance) ?? { known: [] };
  if (!("known" in answer)) return { why: answer };
  const { known } = answer;
  const more = known.length > MOST_NAMES ? `, and ${known.length - MOST_NAMES} more` : "";
  const names =
    known.length === 0 ? "there are no instances" : `there are ${known.slice(0, MOST_NAMES).join(", ")}${more}`;
  return { error: `there is no instance ${instance} - ${didYouMean(instance, known) ?? names}` };
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
